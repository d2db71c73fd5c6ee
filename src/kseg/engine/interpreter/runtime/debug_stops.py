"""The handler of breakpoints (`stops` has what it asks).

Breakpoints are virtual addresses, entries belong to physical pages: each entry with the place in
its page of some breakpoint has the operation BREAKPOINT, whose handler compares the address. Pages
with a watchpoint are in no data table, so that each access comes to a slow path.
"""

from kseg.engine.contract import ExitReason
from kseg.engine.interpreter import fields
from kseg.engine.interpreter.convention import (
    TABLES,
    Variant,
    arguments,
    handler_builder,
    pc_of,
    variants,
)
from kseg.engine.interpreter.layout import (
    CODE_PAGE_STRIDE,
    ENTRIES,
    PAGE_END,
    PREDECODE,
    SHARED_OFFSETS,
)
from kseg.isa.profile import Profile


def functions(profile: Profile) -> list[str]:
    """The text of every function of this file."""
    return [_breakpoint(variant) for variant in variants(profile)]


def _breakpoint(variant: Variant) -> str:
    """Leave before the instruction if there is a breakpoint at its address, else execute it."""
    b = handler_builder(f"breakpoint_{variant.suffix}")
    b.do("%left = sub i64 %budget, 1")
    with b.leave_if(b.emit("icmp slt i64 %left, 0")):
        b.tail_call(f"@stop_{variant.suffix}", arguments())
    clock = b.emit(f"sub i64 {fields.load_context(b, 'limit')}, %budget")
    pc = pc_of(b, "%entry")
    here = b.emit(f"call i1 @is_breakpoint(ptr %context, i32 {pc}, i64 {clock})")
    with b.leave_if(here):
        fields.store_context(b, "fault_reason", int(ExitReason.BREAKPOINT))
        b.tail_call(f"@fault_{variant.suffix}", arguments(budget="%left"))
    address = b.emit("ptrtoint ptr %entry to i64")
    number = b.emit(f"lshr i64 {b.emit(f'and i64 {address}, {CODE_PAGE_STRIDE - 1}')}, 4")
    at_end = b.emit(f"icmp eq i64 {number}, {ENTRIES - 2}")
    shared = fields.load_pointer(b, "shared")
    table = SHARED_OFFSETS[TABLES[variant]]
    decoding = b.load("ptr", shared, table + 8 * PREDECODE)
    ending = b.load("ptr", shared, table + 8 * PAGE_END)
    handler = b.emit(f"select i1 {at_end}, ptr {ending}, ptr {decoding}")
    b.tail_call(handler, arguments())
    return b.text("noinline")
