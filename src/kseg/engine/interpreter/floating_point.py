"""The floating-point registers as native code has them: in the processor's state."""

from typing import Any

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.codegen.floating_point import Attempt, HostArithmetic
from kseg.engine.codegen.value import Symbol
from kseg.engine.interpreter import fields
from kseg.engine.interpreter.layout import STATE_OFFSETS
from kseg.isa import floating_point as fp
from kseg.isa.values import WORD, Value

_FIRST = STATE_OFFSETS["fpr"]


class FloatRegisters:
    """The registers by number, an int or a symbol; what is written is written at once."""

    def __init__(self, builder: FunctionBuilder) -> None:
        self.b = builder

    def place(self, number: Value) -> Operand:
        """Where a register lies."""
        if not isinstance(number, Symbol):
            return self.b.offset("%state", _FIRST + 4 * int(number))
        offset = ((number << 2) + _FIRST).i32()
        return self.b.offset("%state", self.b.emit(f"zext i32 {offset} to i64"))

    def __getitem__(self, number: Any) -> Symbol:
        return Symbol.of_i32(self.b, self.b.load("i32", self.place(number)))

    def __setitem__(self, number: Any, value: Value) -> None:
        operand = value.i32() if isinstance(value, Symbol) else str(int(value) & WORD)
        self.b.store("i32", operand, self.place(number))


class FloatOperation:
    """One operation, as the host carries it out."""

    def __init__(self, b: FunctionBuilder, format_: int, operation: int) -> None:
        self.b, self.format, self.operation = b, format_, operation
        self._registers = FloatRegisters(b)

    def attempt(self, fs: Value, ft: Value) -> Attempt:
        """Emit all but the writes."""
        first = self._bits(fs)
        second = self._bits(ft) if fp.has_two_operands(self.operation) else first
        fcsr = fields.load_state(self.b, "fcsr").i32()
        line = fields.load_state(self.b, "timer_line").i32()
        arithmetic = HostArithmetic(self.b, self.format)
        return arithmetic.attempt(self.operation, first, second, fcsr, line)

    def _bits(self, number: Value) -> Operand:
        if self.format == fp.DOUBLE:
            return self.b.load("i64", self._registers.place(number & 30))
        return self.b.load("i32", self._registers.place(number))

    def write(self, attempt: Attempt, fd: Value) -> None:
        """Write what is sure."""
        b = self.b
        if attempt.type:
            pair = attempt.type in ("double", "i64")
            b.store(attempt.type, attempt.result, self._registers.place(fd & 30 if pair else fd))
        b.store("i32", attempt.fcsr, "%state", STATE_OFFSETS["fcsr"])
