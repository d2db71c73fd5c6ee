"""What handlers do with the shared structures: fields as symbolic values, and exceptions."""

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.codegen.value import U32, U64, Symbol
from kseg.engine.interpreter.layout import (
    CONTEXT_OFFSETS,
    CONTEXT_TYPES,
    STATE_OFFSETS,
    STATE_TYPES,
)
from kseg.isa.values import Value


def load_state(b: FunctionBuilder, name: str, state: Operand = "%state") -> Symbol:
    """The field `name` of ProcessorState."""
    type_ = STATE_TYPES[name]
    operand = b.load(type_, state, STATE_OFFSETS[name])
    if type_ == "i64":
        return Symbol.of_i64(b, operand, U64)
    return Symbol.of_i32(b, operand, U32)


def store_state(b: FunctionBuilder, name: str, value: Value, state: Operand = "%state") -> None:
    """Assign the field `name` of ProcessorState."""
    store(b, STATE_TYPES[name], value, state, STATE_OFFSETS[name])


def store(b: FunctionBuilder, type_: str, value: Value, base: Operand, offset: int | str) -> None:
    """Store a value, symbolic or not, as an i32 or i64."""
    if isinstance(value, Symbol):
        operand = value.i64() if type_ == "i64" else value.i32()
    else:
        operand = str(int(value) & (0xFFFFFFFF if type_ == "i32" else (1 << 64) - 1))
    b.store(type_, operand, base, offset)


def load_context(b: FunctionBuilder, name: str) -> Operand:
    """The field `name` of Context, as an i32 or i64 operand."""
    return b.load(CONTEXT_TYPES[name], "%context", CONTEXT_OFFSETS[name])


def load_pointer(b: FunctionBuilder, name: str) -> Operand:
    """The field `name` of Context, as a pointer."""
    return b.load("ptr", "%context", CONTEXT_OFFSETS[name])


def store_context(b: FunctionBuilder, name: str, operand: Operand | int) -> None:
    """Assign the field `name` of Context from an operand of its width."""
    b.store(CONTEXT_TYPES[name], str(operand), "%context", CONTEXT_OFFSETS[name])


def add_to_state(
    b: FunctionBuilder, name: str, amount: Symbol | int, state: Operand = "%state"
) -> None:
    """Add to a 64-bit counter of ProcessorState."""
    operand = amount.i64() if isinstance(amount, Symbol) else str(amount)
    old = b.load("i64", state, STATE_OFFSETS[name])
    b.store("i64", b.emit(f"add i64 {old}, {operand}"), state, STATE_OFFSETS[name])


def u32(b: FunctionBuilder, operand: Operand) -> Symbol:
    """An i32 operand as a value."""
    return Symbol.of_i32(b, operand)


def state_of(b: FunctionBuilder) -> None:
    """Name the processor's state %state, from %context."""
    b.do(f"%state = load ptr, ptr {b.offset('%context', CONTEXT_OFFSETS['state'])}")


def fault(b: FunctionBuilder, code: Value, address: Value = 0, refill: Operand = "0") -> None:
    """Note an exception in the context."""
    operands = [
        value.i32() if isinstance(value, Symbol) else str(int(value)) for value in (code, address)
    ]
    b.do(f"call void @fault(ptr %context, i32 {operands[0]}, i32 {operands[1]}, i32 {refill})")
