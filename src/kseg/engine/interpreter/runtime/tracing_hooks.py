"""Where handlers ask whether anything is traced: `trace_records` does the rest."""

from collections.abc import Iterator
from contextlib import contextmanager

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.codegen.value import Symbol
from kseg.engine.interpreter import fields
from kseg.engine.interpreter.convention import (
    TABLES,
    Variant,
    arguments,
    handler_builder,
    pc_of,
    variants,
)
from kseg.engine.interpreter.dispatch import save_pc
from kseg.engine.interpreter.entries import code_page_of, entry_number, handler_of
from kseg.engine.interpreter.fields import u32
from kseg.engine.interpreter.layout import (
    CODE_PAGE_ORIGINALS,
    ENTRY_WORD,
    LATCH_NONE,
    RESCHEDULE,
    SHARED_OFFSETS,
)
from kseg.engine.tracing import DELAY_SLOT, REFILL
from kseg.isa.profile import Profile
from kseg.isa.values import select


def functions(profile: Profile) -> list[str]:
    """The text of every function of this file."""
    return [_traced(variant) for variant in variants(profile)]


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


def flags_of_exception(b: FunctionBuilder, in_slot: Operand, refill: Symbol) -> Operand:
    """The flags of its record, an i32, from the i1 `in_slot`."""
    slot = b.emit(f"select i1 {in_slot}, i32 {DELAY_SLOT}, i32 0")
    return b.emit(f"or i32 {slot}, {select(refill, u32(b, str(REFILL)), 0).i32()}")


def record_traced_jump(b: FunctionBuilder, variant: Variant, pc: Operand, target: Operand) -> None:
    """In the handler of a jump that records itself: it is taken, to i32 `target`."""
    limit = fields.load_context(b, "limit")
    clock = b.emit(f"sub i64 {b.emit(f'sub i64 {limit}, %left')}, 1")
    word = b.load("i32", "%entry", ENTRY_WORD)
    given = f"ptr %context, i32 {pc}, i32 {word}, i64 {clock}, i32 {slot_flag(variant)}"
    b.do(f"call void @trace_jump({given}, i32 {target})")


def leave_if_full(b: FunctionBuilder, variant: Variant, *, recorded: Operand = "false") -> None:
    """At the beginning of a handler, with %left named: let the records be taken first, unless
    the instruction has an answer to take up, or has been `recorded` already."""
    waits = b.emit(f"icmp eq i32 {fields.load_context(b, 'latch')}, {LATCH_NONE}")
    waits = b.emit(f"and i1 {waits}, {b.emit(f'xor i1 {recorded}, true')}")
    with b.leave_if(b.emit(f"and i1 {waits}, {is_full(b)}")):
        limit = fields.load_context(b, "limit")
        clock = b.emit(f"sub i64 {b.emit(f'sub i64 {limit}, %left')}, 1")
        save_pc(b, variant, pc_of(b, "%entry"), clock)
        b.return_("i32", str(RESCHEDULE))


def _traced(variant: Variant) -> str:
    """Record the instruction, then execute it."""
    b = handler_builder(f"traced_{variant.suffix}")
    b.do("%left = sub i64 %budget, 1")
    with b.leave_if(b.emit("icmp slt i64 %left, 0")):
        b.tail_call(f"@stop_{variant.suffix}", arguments())
    leave_if_full(b, variant)
    clock = b.emit(f"sub i64 {fields.load_context(b, 'limit')}, %budget")
    word = b.load("i32", "%entry", ENTRY_WORD)
    given = f"ptr %context, i32 {pc_of(b, '%entry')}, i32 {word}, i64 {clock}"
    b.do(f"call void @trace_instruction({given}, i32 {slot_flag(variant)})")
    originals = b.offset(code_page_of(b, "%entry"), CODE_PAGE_ORIGINALS)
    operation = b.load("i8", originals, entry_number(b, "%entry"))
    number = b.emit(f"zext i8 {operation} to i64")
    b.tail_call(handler_of(b, TABLES[variant], number), arguments())
    return b.text("noinline")
