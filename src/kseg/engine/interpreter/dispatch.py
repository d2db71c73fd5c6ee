"""How a handler goes on: to the next entry, to an address, or out of the engine."""

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.codegen.value import Symbol
from kseg.engine.interpreter import fields
from kseg.engine.interpreter.convention import (
    TABLES,
    Variant,
    arguments,
    pc_of,
    target_pc,
)
from kseg.engine.interpreter.entries import handler_of
from kseg.engine.interpreter.fields import u32
from kseg.engine.interpreter.layout import CONTEXT_OFFSETS, ENTRY_OPERATION, ENTRY_SIZE


def dispatch(b: FunctionBuilder, entry: Operand, variant: Variant, **changed: Operand) -> None:
    """End a handler by executing `entry`, wherever it comes from; `changed` are other arguments
    that changed."""
    b.tail_call(entry_handler(b, entry, variant), arguments(entry=entry, **changed))


def entry_handler(b: FunctionBuilder, entry: Operand, variant: Variant) -> Operand:
    """The handler that executes `entry` without regard to what was executed before it."""
    operation = b.emit(f"zext i8 {b.load('i8', entry, ENTRY_OPERATION)} to i64")
    return handler_of(b, TABLES[variant], operation)


def fall_through(b: FunctionBuilder, accumulator: Operand) -> None:
    """End a handler by executing the next entry after this one."""
    entry = b.offset("%entry", ENTRY_SIZE)
    changed = {"budget": "%left", "entry": entry, "accumulator": accumulator}
    b.tail_call(b.load("ptr", entry), arguments(**changed))


def stop_if_spent(b: FunctionBuilder, variant: Variant) -> None:
    """Name what is left of the budget after this cycle %left; stop if there is nothing."""
    b.do("%left = sub i64 %budget, 1")
    with b.leave_if(b.emit("icmp slt i64 %left, 0")):
        b.tail_call(f"@stop_{variant.suffix}", arguments())


def go_entry(b: FunctionBuilder) -> Operand:
    """The entry that goes to `target_pc`."""
    return b.offset("%context", CONTEXT_OFFSETS["go"])


def next_address(b: FunctionBuilder, variant: Variant) -> Operand:
    """The address of the instruction after this one."""
    if variant.in_slot:
        return target_pc(b)
    return pc_of(b, b.offset("%entry", ENTRY_SIZE))


def after_cycle(b: FunctionBuilder) -> Operand:
    """The cycle after this one, where %left is the budget without this one."""
    return b.emit(f"sub i64 {fields.load_context(b, 'limit')}, %left")


def mode_tables(b: FunctionBuilder) -> dict[str, Operand]:
    """The present mode's data tables, as arguments."""
    return {name: fields.load_pointer(b, name) for name in ("reads", "writes")}


def save_pc(b: FunctionBuilder, variant: Variant, pc: Operand, clock: Operand) -> None:
    """Write back where the processor stands, in address and time."""
    fields.store_state(b, "clock", Symbol.of_i64(b, clock))
    if variant.in_slot:
        fields.store_state(b, "next_pc", u32(b, target_pc(b)))
    else:
        fields.store_state(b, "next_pc", 0)
    fields.store_state(b, "in_delay_slot", int(variant.in_slot))
    fields.store_state(b, "pc", u32(b, pc))


def code_is_unknown(b: FunctionBuilder, pc: Operand) -> Operand:
    """Is the present mode's code table empty for i32 `pc`? An i1."""
    page = (u32(b, pc) >> 12).i64()
    slot = b.emit(f"getelementptr i64, ptr {fields.load_pointer(b, 'codes')}, i64 {page}")
    return b.emit(f"icmp eq i64 {b.emit(f'load i64, ptr {slot}, align 8')}, 0")
