"""Where the runtime asks whether anything is traced: `trace_records` does the rest."""

from collections.abc import Iterator
from contextlib import contextmanager

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.interpreter import fields
from kseg.engine.interpreter.convention import Variant
from kseg.engine.interpreter.layout import SHARED_OFFSETS
from kseg.engine.tracing import DELAY_SLOT


def is_set(b: FunctionBuilder, name: str) -> Operand:
    """Is an i32 of Shared not 0? An i1."""
    value = b.load("i32", fields.load_pointer(b, "shared"), SHARED_OFFSETS[name])
    return b.emit(f"icmp ne i32 {value}, 0")


@contextmanager
def if_traced(b: FunctionBuilder) -> Iterator[None]:
    """Code for when something is traced."""
    with b.if_(is_set(b, "tracing"), "unlikely"):
        yield


def is_full(b: FunctionBuilder) -> Operand:
    """Are the records to be taken before anything else is executed? An i1."""
    return is_set(b, "trace_full")


def retract(b: FunctionBuilder, clock: Operand) -> None:
    """The instruction of cycle i64 `clock` will be begun again: its record is void."""
    with if_traced(b):
        b.do(f"call void @trace_retract(ptr %context, i64 {clock})")


def slot_flag(variant: Variant) -> int:
    """The flags of a record made in a handler's variant."""
    return DELAY_SLOT if variant.in_slot else 0
