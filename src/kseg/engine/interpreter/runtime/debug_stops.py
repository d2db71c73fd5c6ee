"""Native breakpoints and watchpoints. Nothing here is reached while none is set, but for one
comparison in the slow paths of loads and stores, and one in decoding.

Breakpoints are virtual addresses, entries belong to physical pages: each entry with the place in
its page of some breakpoint has the operation BREAKPOINT, whose handler compares the address. Pages
with a watchpoint are in no data table, so that each access comes to a slow path.
"""

import ctypes

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.codegen.value import Symbol
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
    CONTEXT_OFFSETS,
    ENTRIES,
    LATCH_NONE,
    PAGE_END,
    PASSING_BREAKPOINT,
    PREDECODE,
    SHARED_OFFSETS,
    STATE_OFFSETS,
    WatchpointEntry,
)
from kseg.isa.profile import Profile
from kseg.isa.values import select

UNWATCHED, NEAR, HIT = range(3)
"""An access: to a page that nothing watches, to one that something watches, and to that."""


def functions(profile: Profile) -> list[str]:
    """The text of every function of this file."""
    found = [_breakpoint(variant) for variant in variants(profile)]
    return [_is_breakpoint(profile), _look_at_watchpoints(), *found]


def has_breakpoint_bit(b: FunctionBuilder, number: Operand) -> Operand:
    """Has some breakpoint the place i64 `number` in its page? An i1."""
    places = b.offset(fields.load_pointer(b, "shared"), SHARED_OFFSETS["breakpoint_places"])
    byte = b.load("i8", places, b.emit(f"lshr i64 {number}, 3"))
    bit = b.emit(f"trunc i64 {b.emit(f'and i64 {number}, 7')} to i8")
    return b.emit(f"trunc i8 {b.emit(f'lshr i8 {byte}, {bit}')} to i1")


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


def _is_breakpoint(profile: Profile) -> str:
    """Is the processor to stop at %pc in cycle %clock?"""
    b = FunctionBuilder(
        "is_breakpoint", "i1", [("ptr", "context"), ("i32", "pc"), ("i64", "clock")], "internal"
    )
    b.do(f"%state = load ptr, ptr {b.offset('%context', CONTEXT_OFFSETS['state'])}")
    shared = fields.load_pointer(b, "shared")
    addresses = b.load("ptr", shared, SHARED_OFFSETS["breakpoints"])
    with b.count(b.load("i64", shared, SHARED_OFFSETS["breakpoint_count"])) as number:
        address = b.load("i32", addresses, b.emit(f"shl i64 {number}, 2"))
        with b.leave_if(b.emit(f"icmp eq i32 {address}, %pc")):
            stalls = b.load("i64", "%state", STATE_OFFSETS["kernel_stalls"])
            stalls = b.emit(f"add i64 {stalls}, {fields.load_state(b, 'user_stalls').i64()}")
            latch = fields.load_context(b, "latch")
            with b.leave_if(b.emit(f"icmp ne i32 {latch}, {LATCH_NONE}")):
                fields.store_context(b, "passed_pc", "%pc")
                fields.store_context(b, "passed_at", b.emit("add i64 %clock, 1"))
                fields.store_context(b, "passed_stalls", stalls)
                b.return_("i1", "false")
            if profile.hi_lo_interlock:
                # It was passed in the cycle before this, but had to wait.
                passed = [
                    ("i32", "passed_pc", "%pc"),
                    ("i64", "passed_at", "%clock"),
                    ("i64", "passed_stalls", b.emit(f"sub i64 {stalls}, 1")),
                ]
                again = "true"
                for type_, name, wanted in passed:
                    kept = fields.load_context(b, name)
                    same = b.emit(f"icmp eq {type_} {kept}, {wanted}")
                    again = b.emit(f"and i1 {again}, {same}")
                with b.leave_if(again):
                    b.return_("i1", "false")
            b.return_("i1", "true")
    b.return_("i1", "false")
    return b.text("noinline")


def watched(b: FunctionBuilder, kind: int) -> Operand:
    """Whether watchpoints concern an access of i32 %size bytes at i32 %address, an i32: UNWATCHED,
    NEAR, or HIT, after noting the exit."""
    found = b.variable("i32", str(UNWATCHED))
    shared = fields.load_pointer(b, "shared")
    count = b.load("i64", shared, SHARED_OFFSETS["watchpoint_count"])
    with b.if_(b.emit(f"icmp ne i64 {count}, 0"), "unlikely"):
        given = f"ptr %context, i32 %address, i32 %size, i32 {kind}"
        found.set(b.emit(f"call i32 @look_at_watchpoints({given})"))
    return found.get()


def _look_at_watchpoints() -> str:
    """See `watched`."""
    b = FunctionBuilder(
        "look_at_watchpoints",
        "i32",
        [("ptr", "context"), ("i32", "address"), ("i32", "size"), ("i32", "kind")],
        "internal",
    )
    shared = fields.load_pointer(b, "shared")
    entries = b.load("ptr", shared, SHARED_OFFSETS["watchpoints"])
    address = Symbol.of_i32(b, "%address")
    end = Symbol.of_i32(b, b.emit(f"add i32 %address, {b.emit('sub i32 %size, 1')}"))
    latch = Symbol.of_i32(b, fields.load_context(b, "latch"))
    stops = (latch == LATCH_NONE) | (latch == PASSING_BREAKPOINT)
    result = b.variable("i32", str(UNWATCHED))
    with b.count(b.load("i64", shared, SHARED_OFFSETS["watchpoint_count"])) as number:
        entry = b.offset(entries, b.emit(f"mul i64 {number}, {ctypes.sizeof(WatchpointEntry)}"))
        first, last, kinds = (
            Symbol.of_i32(b, b.load("i32", entry, getattr(WatchpointEntry, name).offset))
            for name in ("first", "last", "kinds")
        )
        wanted = Symbol.of_i1(
            b, b.emit(f"trunc i32 {b.emit(f'lshr i32 {kinds.i32()}, %kind')} to i1")
        )
        near = (first >> 12 <= address >> 12) & (address >> 12 <= last >> 12) & wanted
        with b.if_(near.i1()):
            result.set(str(NEAR))
        hit = (first <= end) & (address <= last) & wanted & stops
        with b.leave_if(hit.i1()):
            fields.store_context(b, "fault_reason", int(ExitReason.WATCHPOINT))
            begin = select(first > address, first, address)
            fields.store_context(b, "exit_address", Symbol.of_i32(b, begin.i32()).i32())
            fields.store_context(b, "exit_size", "%size")
            fields.store_context(b, "exit_value", "%kind")
            b.return_("i32", str(HIT))
    b.return_("i32", result.get())
    return b.text("noinline")
