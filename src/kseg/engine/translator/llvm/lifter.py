"""Lifts one instruction's declaration into a translation: registers are values, not memory."""

from collections.abc import Callable
from typing import Any

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.codegen.floating_point import HostArithmetic
from kseg.engine.codegen.value import Symbol
from kseg.engine.interpreter import fields
from kseg.engine.interpreter.layout import STATE_OFFSETS
from kseg.engine.interpreter.memory_access import MemoryAccess
from kseg.engine.translator.effects import FCSR, FPR, HI, LO, results
from kseg.isa import floating_point as fp
from kseg.isa import registers as r
from kseg.isa.exceptions import ExceptionCode
from kseg.isa.profile import Profile
from kseg.isa.values import WORD, Value

INVARIANT = ", !invariant.load !2"
"""Nothing changes it while the translation runs."""


class _Registers:
    def __init__(self, lifter: "RegionLifter") -> None:
        self._lifter = lifter

    def __getitem__(self, number: int) -> Value:
        return self._lifter.read(number)

    def __setitem__(self, number: int, value: Value) -> None:
        self._lifter.written[number] = value


class _FloatRegisters:
    def __init__(self, lifter: "RegionLifter") -> None:
        self._lifter = lifter

    def __getitem__(self, number: int) -> Value:
        return self._lifter.read(FPR + number)

    def __setitem__(self, number: int, value: Value) -> None:
        self._lifter.written[FPR + number] = value


class RegionLifter(MemoryAccess):
    """A processor as `kseg.isa.semantics` wants it, for one instruction of a block.

    What the instruction writes is in `written` and `loaded` afterwards; `read_register` gives
    what it reads. Where the instruction cannot complete, `leave` emits the side exit.
    """

    slow_copy = "leave"

    def __init__(
        self,
        builder: FunctionBuilder,
        profile: Profile,
        big_endian: bool,
        pc: int,
        read_register: Callable[[int], Operand],
        pending: tuple[int, Operand] | None,
        leave: Callable[[], None],
        kseg0: tuple[Operand, Operand] | None = None,
    ) -> None:
        """`pending` is the load that has not arrived: its register and value. `kseg0` is given
        where loads are likely to be of kseg0: the host address of RAM and the bytes of it that
        can be read there, an i64."""
        self.b, self.profile, self.big_endian = builder, profile, big_endian
        self.pc = pc
        self.next_pc = pc + 4 & WORD
        self.gpr = _Registers(self)
        self.fpr = _FloatRegisters(self)
        self.written: dict[int, Value] = {}
        self.loaded: tuple[int, Value] | None = None
        self.branched: tuple[Value, Value] | None = None
        self._read_register, self._pending, self._leave_now = read_register, pending, leave
        self._kseg0 = kseg0

    def read(self, number: int) -> Value:
        """A general register, without a load that is pending."""
        return 0 if number == 0 else Symbol.of_i32(self.b, self._read_register(number))

    @property
    def hi(self) -> Value:
        return Symbol.of_i32(self.b, self._read_register(HI))

    @hi.setter
    def hi(self, value: Value) -> None:
        self.written[HI] = value

    @property
    def lo(self) -> Value:
        return Symbol.of_i32(self.b, self._read_register(LO))

    @lo.setter
    def lo(self, value: Value) -> None:
        self.written[LO] = value

    def __getattr__(self, name: str) -> Any:
        if name not in STATE_OFFSETS:
            raise AttributeError(name)
        return fields.load_state(self.b, name)

    def load_gpr(self, number: int, value: Value) -> None:
        if self.profile.load_delay:
            self.loaded = (number, value)
        else:
            self.written[number] = value

    def latest_gpr(self, number: int) -> Value:
        if self._pending is not None and self._pending[0] == number:
            return Symbol.of_i32(self.b, self._pending[1])
        return self.read(number)

    # Stalls are known beforehand (`BlockEmitter`).

    def interlock(self, *, hi: bool, lo: bool) -> None:
        pass

    def occupy(self, *, hi: bool, lo: bool) -> None:
        pass

    def branch(
        self, condition: Value, target: Value, link: tuple[int, Value] | None = None
    ) -> None:
        self.branched = (condition, target)
        if link is not None:
            self.gpr[link[0]] = link[1]

    def trap_if(self, condition: Value, _: ExceptionCode, __: int = 0) -> None:
        if isinstance(condition, Symbol):
            with self.b.cold_if(condition.i1()):
                self._leave_now()

    def compute(self, format_: int, operation: int, fd: int, fs: int, ft: int) -> None:
        b = self.b
        pair = format_ == fp.DOUBLE
        first = self._bits(fs, pair)
        second = self._bits(ft, pair) if fp.has_two_operands(operation) else first
        arithmetic = HostArithmetic(b, format_)
        attempt = arithmetic.attempt(operation, first, second, self.fcsr.i32(), self._line())
        with b.cold_if(b.emit(f"xor i1 {attempt.sure}, true")):
            self._leave_now()
        self.written[FCSR] = Symbol.of_i32(b, attempt.fcsr)
        registers = results(format_, operation, fd)
        if not registers:
            return
        bits = arithmetic.note(attempt, operation, first, second)
        for register in registers[1:]:
            high = b.emit(f"trunc i64 {b.emit(f'lshr i64 {bits}, 32')} to i32")
            low = b.emit(f"trunc i64 {bits} to i32")
            b.remember(("pair", low, high), bits)
            self.written[register] = Symbol.of_i32(b, high)
            bits = low
        self.written[registers[0]] = Symbol.of_i32(b, bits)

    def _bits(self, number: int, pair: bool) -> Operand:
        """What a floating-point register, or a pair, holds."""
        if not pair:
            return self._read_register(FPR + number)
        low, high = (self._read_register(FPR + each) for each in (number & 30, number | 1))
        known = self.b.known(("pair", low, high))
        if known is not None:
            return known
        emit = self.b.emit
        above = emit(f"shl i64 {emit(f'zext i32 {high} to i64')}, 32")
        whole = emit(f"or i64 {above}, {emit(f'zext i32 {low} to i64')}")
        return self.b.remember(("pair", low, high), whole)

    def _line(self) -> Operand:
        """What the floating-point unit's interrupt line is. While it is up, and that is seldom,
        the interpreter computes; so it does not change here."""
        at = self.b.offset("%state", STATE_OFFSETS["timer_line"])
        return self.b.emit(f"load i32, ptr {at}, align 4{INVARIANT}")

    @property
    def fcsr(self) -> Symbol:
        return Symbol.of_i32(self.b, self._read_register(FCSR))

    def write_fcsr(self, value: Symbol) -> None:
        raised = fp.signals(value) | Symbol.of_i32(self.b, self._line())
        with self.b.cold_if((raised != 0).i1()):
            self._leave_now()
        self.written[FCSR] = value

    @property
    def status(self) -> Symbol:
        """Only hard instructions change it."""
        at = self.b.offset("%state", STATE_OFFSETS["status"])
        return Symbol.of_i32(self.b, self.b.emit(f"load i32, ptr {at}, align 4{INVARIANT}"))

    def require_cp0(self) -> None:
        status = self.status
        refused = (status & r.STATUS_KUC) != 0
        if not self.profile.kernel_cp0_only:
            refused = refused & ((status & (1 << r.STATUS_CU_SHIFT)) == 0)
        self.trap_if(refused, ExceptionCode.COPROCESSOR_UNUSABLE)

    def load(self, address: Value, size: int) -> Symbol:
        return super().load(self._symbol(address), size)

    def load_around(self, address: Value) -> Symbol:
        return super().load_around(self._symbol(address))

    def store(self, address: Value, size: int, value: Value) -> None:
        super().store(self._symbol(address), size, self._symbol(value))

    def store_masked(self, address: Value, value: Value, mask: Value) -> None:
        super().store_masked(self._symbol(address), self._symbol(value), self._symbol(mask))

    def _symbol(self, value: Value) -> Symbol:
        if isinstance(value, Symbol):
            return value
        return Symbol.of_i32(self.b, str(int(value) & WORD), (int(value) & WORD,) * 2)

    def _load(self, address: Symbol, size: int, reported: Symbol) -> Symbol:
        if self._kseg0 is None:
            return super()._load(address, size, reported)
        host, readable = self._kseg0
        b, bits = self.b, 8 * size
        at = address.i32()
        # In kseg0 the place is known without a table, which is some five cycles earlier. Rotated
        # by the bits that alignment clears, a misaligned offset is beyond any memory.
        offset = b.emit(f"zext i32 {b.emit(f'xor i32 {at}, {r.KSEG0}')} to i64")
        number, limit = offset, readable
        if size > 1:
            shift = size.bit_length() - 1
            narrow = b.emit(f"trunc i64 {offset} to i32")
            rotated = b.emit(
                f"call i32 @llvm.fshl.i32(i32 {narrow}, i32 {narrow}, i32 {32 - shift})"
            )
            number = b.emit(f"zext i32 {rotated} to i64")
            limit = b.emit(f"lshr i64 {readable}, {shift}")
        near, far, join = b.label("near"), b.label("far"), b.label("join")
        value = b.variable(f"i{bits}", "0")
        b.branch(b.emit(f"icmp ult i64 {number}, {limit}"), near, far, "likely")
        b.place(near)
        # Biased by kseg0's address, so that the check is not on the way to the address.
        value.set(b.load(f"i{bits}", b.offset(host, b.emit(f"zext i32 {at} to i64"))))
        b.jump(join)
        with b.cold():
            b.place(far)
            place = self._host_address(address, size, "%reads", "", reported)
            # Volatile, or LLVM makes one load of both, with an address that comes later.
            value.set(b.emit(f"load volatile i{bits}, ptr {place}, align 1"))
            b.jump(join)
        b.place(join)
        raw = self._swapped(value.get(), bits)
        if bits < 32:
            raw = b.emit(f"zext i{bits} {raw} to i32")
        return Symbol.of_i32(b, raw, (0, (1 << bits) - 1))

    def _host_address(
        self,
        address: Symbol,
        size: int,
        table: Operand,
        call: str,  # noqa: ARG002
        reported: Symbol,  # noqa: ARG002
    ) -> Operand:
        """The host address of `size` bytes at virtual `address`, by the tables alone."""
        b = self.b
        at = address.i32()
        base = b.emit(f"load i64, ptr {self._slot(at, size, table)}, align 8{INVARIANT}")
        with b.cold_if(b.emit(f"icmp eq i64 {base}, 0")):
            self._leave_now()
        sum_ = b.emit(f"add i64 {base}, {b.emit(f'zext i32 {at} to i64')}")
        return b.emit(f"inttoptr i64 {sum_} to ptr")
