"""Native slow paths of loads and stores: translation, table filling, devices.

Each is a C function that returns a host address, or null after noting in the context what the
handler must do instead: raise an exception (`fault_code`) or leave the engine (`fault_reason`).
"""

import ctypes
from collections.abc import Callable

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.codegen.value import Symbol
from kseg.engine.contract import ExitReason
from kseg.engine.interpreter import fields
from kseg.engine.interpreter.layout import (
    CONTEXT_OFFSETS,
    EXECUTABLE,
    LATCH_BUS_ERROR,
    LATCH_LOADED,
    LATCH_STORED,
    LOAD,
    PAGE,
    SHARED_OFFSETS,
    STATE_OFFSETS,
    STEADY_SLOTS,
    STORE,
    WRITABLE,
    RegionEntry,
)
from kseg.engine.interpreter.memory_access import MEMORY_ONLY
from kseg.engine.interpreter.runtime.debug_stops import HIT, UNWATCHED, watched
from kseg.isa import registers as r
from kseg.isa.exceptions import ExceptionCode
from kseg.isa.profile import Profile
from kseg.isa.values import Value, select
from kseg.memory.paged import FRAME_WRITABLE

FETCH = 2
"""Why an address is translated, beside LOAD and STORE."""

NO_ADDRESS = "-1"
"""What `translate` returns after noting a fault."""


def functions(profile: Profile) -> list[str]:
    """The text of every function of this file."""
    return [
        _find_region(),
        _fault(),
        _translate(profile),
        _slow_load(),
        _slow_store(),
        _check_load(),
    ]


def u32(b: FunctionBuilder, operand: Operand) -> Symbol:
    """An i32 operand as a value."""
    return Symbol.of_i32(b, operand)


def state_of(b: FunctionBuilder) -> None:
    """Name the processor's state %state, from %context."""
    b.do(f"%state = load ptr, ptr {b.offset('%context', CONTEXT_OFFSETS['state'])}")


def region_field(b: FunctionBuilder, name: str) -> Operand:
    """A field of the region at %region."""
    field = getattr(RegionEntry, name)
    type_ = "ptr" if name in ("host", "frames") else "i64" if field.size == 8 else "i32"
    return b.load(type_, "%region", field.offset)


def find(b: FunctionBuilder, physical: Operand) -> Operand:
    """Name the region of i64 `physical` %found; returns an i1: is there none?"""
    b.do(f"%found = call ptr @find_region(ptr %context, i64 {physical})")
    return b.emit("icmp eq ptr %found, null")


def resolve(
    b: FunctionBuilder, physical: Operand, if_kept: Callable[[], None] | None = None
) -> Operand:
    """Name the region that has the bytes of i64 `physical` in %found %region; returns their
    physical address there. For paged memory both are the hardware's.

    `if_kept` ends the function where the page is not to be written at present.
    """
    region, machine = b.variable("ptr", "%found"), b.variable("i64", physical)
    frames = b.load("ptr", "%found", RegionEntry.frames.offset)
    with b.if_(b.emit(f"icmp ne ptr {frames}, null")):
        base = b.load("i64", "%found", RegionEntry.base.offset)
        number = b.emit(f"lshr i64 {b.emit(f'sub i64 {physical}, {base}')}, 12")
        frame = b.load("i32", frames, b.emit(f"shl i64 {number}, 2"))
        if if_kept is not None:
            with b.leave_if(((u32(b, frame) & FRAME_WRITABLE) == 0).i1()):
                if_kept()
        page = (u32(b, frame) & r.VPN_MASK).i64()
        machine.set(b.emit(f"or i64 {page}, {b.emit(f'and i64 {physical}, {PAGE - 1}')}"))
        shared = fields.load_pointer(b, "shared")
        region.set(b.offset(shared, SHARED_OFFSETS["regions"]))
    b.do(f"%region = getelementptr i8, ptr {region.get()}, i64 0")
    return machine.get()


def page_number(b: FunctionBuilder, physical: Operand) -> Operand:
    """The number of the page of i64 `physical` in %region, an i64 (see `code_pages`)."""
    inside = b.emit(f"sub i64 {physical}, {region_field(b, 'base')}")
    first = b.emit(f"zext i32 {region_field(b, 'first_page')} to i64")
    return b.emit(f"add i64 {first}, {b.emit(f'lshr i64 {inside}, 12')}")


def whole_page_inside(b: FunctionBuilder, physical: Operand) -> Operand:
    """Does %region hold all of the page of i64 `physical`? An i1."""
    page = b.emit(f"and i64 {physical}, -{PAGE}")
    begins = b.emit(f"icmp uge i64 {page}, {region_field(b, 'base')}")
    end = b.emit(f"add i64 {page}, {PAGE}")
    ends = b.emit(f"icmp ule i64 {end}, {region_field(b, 'end')}")
    return b.emit(f"and i1 {begins}, {ends}")


def fault(b: FunctionBuilder, code: Value, address: Value = 0, refill: Operand = "0") -> None:
    """Note an exception in the context."""
    operands = [
        value.i32() if isinstance(value, Symbol) else str(int(value)) for value in (code, address)
    ]
    b.do(f"call void @fault(ptr %context, i32 {operands[0]}, i32 {operands[1]}, i32 {refill})")


def _fault() -> str:
    b = FunctionBuilder(
        "fault",
        "void",
        [("ptr", "context"), ("i32", "code"), ("i32", "address"), ("i32", "refill")],
        "internal",
    )
    fields.store_context(b, "fault_reason", 0)
    fields.store_context(b, "fault_code", "%code")
    fields.store_context(b, "fault_address", "%address")
    fields.store_context(b, "fault_refill", "%refill")
    b.do("ret void")
    return b.text("noinline")


def _find_region() -> str:
    """The region that holds a physical address, or null."""
    b = FunctionBuilder("find_region", "ptr", [("ptr", "context"), ("i64", "physical")], "internal")
    regions = fields.load_pointer(b, "regions")
    with b.count(fields.load_context(b, "region_count")) as number:
        at = b.emit(f"mul i64 {number}, {ctypes.sizeof(RegionEntry)}")
        region = b.offset(regions, at)
        base = b.load("i64", region, RegionEntry.base.offset)
        end = b.load("i64", region, RegionEntry.end.offset)
        above = b.emit(f"icmp uge i64 %physical, {base}")
        below = b.emit(f"icmp ult i64 %physical, {end}")
        with b.leave_if(b.emit(f"and i1 {above}, {below}")):
            b.return_("ptr", region)
    b.return_("ptr", "null")
    return b.text("noinline")


def _translate(profile: Profile) -> str:
    """The physical address of a virtual one, or -1 after noting the exception."""
    b = FunctionBuilder(
        "translate",
        "i64",
        [
            ("ptr", "context"),
            ("i32", "address"),
            ("i32", "size"),
            ("i32", "reported"),
            ("i32", "access"),
        ],
        "internal",
    )
    state_of(b)
    address, size, reported = u32(b, "%address"), u32(b, "%size"), u32(b, "%reported")
    is_store = u32(b, "%access") == STORE
    address_error = select(
        is_store, int(ExceptionCode.ADDRESS_ERROR_STORE), int(ExceptionCode.ADDRESS_ERROR_LOAD)
    )
    tlb_miss = select(is_store, int(ExceptionCode.TLB_STORE), int(ExceptionCode.TLB_LOAD))
    exact = profile.exact_bad_vaddr
    is_fetch = u32(b, "%access") == FETCH

    with b.leave_if(((address & (size - 1)) != 0).i1()):
        fault(
            b,
            address_error,
            reported if exact else select(is_fetch, reported, reported & ~(size & 2)),
        )
        b.return_("i64", NO_ADDRESS)
    if not exact:
        # Fetches always report exactly: they are of whole, aligned words.
        reported = select(is_fetch, reported, reported & ~3)
    reported = u32(b, reported.i32())
    user = (fields.load_state(b, "status") & r.STATUS_KUC) != 0
    with b.leave_if(((address >= r.KSEG0) & user).i1()):
        fault(b, address_error, reported)
        b.return_("i64", NO_ADDRESS)
    with b.if_(((address >= r.KSEG0) & (address < r.KSEG2)).i1()):
        b.return_("i64", (address & r.UNMAPPED_MASK).i64())
        b.place(b.label("unreached"))
    if not profile.has_tlb:
        b.return_("i64", address.i64())
        return b.text("noinline")
    window = u32(b, fields.load_context(b, "window_base"))
    inside = u32(b, (address - window).i32())
    in_window = inside < u32(b, fields.load_context(b, "window_size"))
    with b.leave_if((in_window & (user == 0)).i1()):
        b.return_("i64", inside.i64())
    wanted = (address & r.VPN_MASK) | (fields.load_state(b, "entry_hi") & r.ASID_MASK)
    number = b.emit(f"call i32 @tlb_find(ptr %state, i32 {wanted.i32()})")
    with b.leave_if(b.emit(f"icmp slt i32 {number}, 0")):
        refill = (address < r.KSEG0).i32()
        fault(b, tlb_miss, reported, refill)
        b.return_("i64", NO_ADDRESS)
    at = b.emit(f"mul i64 {b.emit(f'zext i32 {number} to i64')}, 4")
    low = u32(b, b.load("i32", b.offset("%state", STATE_OFFSETS["tlb_entry_lo"]), at))
    with b.leave_if(((low & r.ENTRY_LO_V) == 0).i1()):
        fault(b, tlb_miss, reported)
        b.return_("i64", NO_ADDRESS)
    with b.leave_if((((low & r.ENTRY_LO_D) == 0) & is_store).i1()):
        fault(b, int(ExceptionCode.TLB_MODIFIED), reported)
        b.return_("i64", NO_ADDRESS)
    b.return_("i64", ((low & r.VPN_MASK) | (address & (PAGE - 1))).i64())
    return b.text("noinline")


def _translated(b: FunctionBuilder, access: int, size: Operand, reported: Operand) -> Operand:
    """Call `translate` for %address; leave with null if it notes a fault."""
    physical = b.emit(
        f"call i64 @translate(ptr %context, i32 %address, i32 {size}, i32 {reported}, i32 {access})"
    )
    with b.leave_if(b.emit(f"icmp eq i64 {physical}, {NO_ADDRESS}")):
        b.return_("ptr", "null")
    return physical


def _return_host_address(b: FunctionBuilder, physical: Operand) -> None:
    """Return the host address of i64 `physical` in %region."""
    inside = b.emit(f"sub i64 {physical}, {region_field(b, 'base')}")
    b.return_("ptr", b.offset(region_field(b, "host"), inside))


def _fill(b: FunctionBuilder, table: str, physical: Operand) -> None:
    """Enter the page of %address into a data table, so that the next access is fast."""
    inside = b.emit(f"sub i64 {physical}, {region_field(b, 'base')}")
    host = b.emit(f"ptrtoint ptr {b.offset(region_field(b, 'host'), inside)} to i64")
    address = b.emit("zext i32 %address to i64")
    addend = b.emit(f"sub i64 {host}, {address}")
    slot = b.emit(f"lshr i64 {address}, 12")
    b.store("i64", addend, fields.load_pointer(b, table), b.emit(f"shl i64 {slot}, 3"))


def _isolated(b: FunctionBuilder) -> Operand:
    return ((fields.load_state(b, "status") & r.STATUS_ISC) != 0).i1()


def _ask_device(b: FunctionBuilder, reason: ExitReason, physical: Operand, size: Operand) -> None:
    """Leave the engine for a device access, noting what is wanted."""
    fields.store_context(b, "fault_reason", int(reason))
    fields.store_context(b, "exit_address", b.emit(f"trunc i64 {physical} to i32"))
    fields.store_context(b, "exit_size", size)
    b.return_("ptr", "null")


def _take_up_answer(b: FunctionBuilder, answer: int, place: str) -> None:
    """If the monitor has answered the access, return `place`, or raise the bus error."""
    latch = fields.load_context(b, "latch")
    with b.leave_if(b.emit(f"icmp eq i32 {latch}, {answer}")):
        b.return_("ptr", b.offset("%context", CONTEXT_OFFSETS[place]))
    with b.leave_if(b.emit(f"icmp eq i32 {latch}, {LATCH_BUS_ERROR}")):
        fault(b, int(ExceptionCode.DATA_BUS_ERROR))
        b.return_("ptr", "null")


def _answer_steadily(b: FunctionBuilder, physical: Operand) -> None:
    """If the monitor said that this load's answer stays the same, return it again."""
    shared = fields.load_pointer(b, "shared")
    size = b.emit(f"shl i64 {b.emit('zext i32 %size to i64')}, 32")
    key = b.emit(f"or i64 {size}, {physical}")
    slot = b.emit(f"and i64 {b.emit(f'lshr i64 {physical}, 2')}, {STEADY_SLOTS - 1}")
    at = b.emit(f"shl i64 {slot}, 3")
    kept = b.load("i64", b.offset(shared, SHARED_OFFSETS["steady_keys"]), at)
    with b.leave_if(b.emit(f"icmp eq i64 {kept}, {key}")):
        b.return_("ptr", b.offset(b.offset(shared, SHARED_OFFSETS["steady_values"]), at))


def _answer_in_advance(b: FunctionBuilder, physical: Operand) -> None:
    """If the monitor has said what this load will bring, return the next of its answers."""
    shared = fields.load_pointer(b, "shared")
    used = b.load("i64", shared, SHARED_OFFSETS["following_used"])
    count = b.load("i64", shared, SHARED_OFFSETS["following_count"])
    with b.if_(b.emit(f"icmp ult i64 {used}, {count}")):
        size = b.emit(f"shl i64 {b.emit('zext i32 %size to i64')}, 32")
        key = b.emit(f"or i64 {size}, {physical}")
        wanted = b.load("i64", shared, SHARED_OFFSETS["following_key"])
        with b.leave_if(b.emit(f"icmp eq i64 {key}, {wanted}")):
            more = b.emit(f"add i64 {used}, 1")
            b.store("i64", more, shared, SHARED_OFFSETS["following_used"])
            values = b.offset(shared, SHARED_OFFSETS["following"])
            b.return_("ptr", b.offset(values, b.emit(f"shl i64 {used}, 3")))


def _watched(b: FunctionBuilder, kind: int) -> Operand:
    """Leave with null if a watchpoint stops the access to %address; else an i1: may the page be
    entered into a table?"""
    found = watched(b, kind)
    with b.leave_if(b.emit(f"icmp eq i32 {found}, {HIT}")):
        b.return_("ptr", "null")
    return b.emit(f"icmp eq i32 {found}, {UNWATCHED}")


def _slow_load() -> str:
    b = FunctionBuilder(
        "slow_load",
        "ptr",
        [("ptr", "context"), ("i32", "address"), ("i32", "size"), ("i32", "reported")],
        "internal",
    )
    state_of(b)
    physical = _translated(b, LOAD, "%size", "%reported")
    with b.leave_if(_isolated(b)):
        b.return_("ptr", b.offset("%context", CONTEXT_OFFSETS["zero"]))
    found = _watched(b, LOAD)
    with b.leave_if(find(b, physical)):
        _take_up_answer(b, LATCH_LOADED, "latch_value")
        _answer_steadily(b, physical)
        _answer_in_advance(b, physical)
        _ask_device(b, ExitReason.DEVICE_LOAD, physical, "%size")
    physical = resolve(b, physical)
    with b.if_(b.emit(f"and i1 {whole_page_inside(b, physical)}, {found}")):
        _fill(b, "reads", physical)
    _return_host_address(b, physical)
    return b.text("noinline")


def _slow_store() -> str:
    b = FunctionBuilder(
        "slow_store",
        "ptr",
        [
            ("ptr", "context"),
            ("i32", "address"),
            ("i32", "flagged_size"),
            ("i32", "reported"),
            ("i32", "value"),
            ("i32", "mask"),
        ],
        "internal",
    )
    state_of(b)
    b.do(f"%size = and i32 %flagged_size, {MEMORY_ONLY - 1}")
    physical = _translated(b, STORE, "%size", "%reported")
    with b.leave_if(_isolated(b)):
        b.return_("ptr", b.offset("%context", CONTEXT_OFFSETS["scratch"]))
    found = _watched(b, STORE)
    with b.leave_if(find(b, physical)):
        memory_only = u32(b, "%flagged_size") >= MEMORY_ONLY
        with b.leave_if(memory_only.i1()):
            fault(b, int(ExceptionCode.DATA_BUS_ERROR))
            b.return_("ptr", "null")
        _take_up_answer(b, LATCH_STORED, "scratch")
        fields.store_context(b, "exit_value", (u32(b, "%value") & u32(b, "%mask")).i32())
        fields.store_context(b, "exit_mask", "%mask")
        _ask_device(b, ExitReason.DEVICE_STORE, physical, "%size")
    wanted = physical
    physical = resolve(b, physical, lambda: _ask_device(b, ExitReason.PAGE_STORE, wanted, "%size"))
    flags = u32(b, region_field(b, "flags"))
    with b.leave_if(((flags & WRITABLE) == 0).i1()):
        fault(b, int(ExceptionCode.DATA_BUS_ERROR))
        b.return_("ptr", "null")
    with b.if_(((flags & EXECUTABLE) != 0).i1()):
        # Where the page has been decoded, its slot stays empty and every store comes by here.
        number = page_number(b, physical)
        kept = b.emit(f"call i1 @store_into_code(ptr %context, i64 {number}, i64 {physical})")
        with b.leave_if(kept):
            _return_host_address(b, physical)
    with b.if_(b.emit(f"and i1 {whole_page_inside(b, physical)}, {found}")):
        _fill(b, "writes", physical)
    _return_host_address(b, physical)
    return b.text("noinline")


def _check_load() -> str:
    """Not null if a word could be loaded from %address, as far as translation goes."""
    b = FunctionBuilder("check_load", "ptr", [("ptr", "context"), ("i32", "address")], "internal")
    _translated(b, LOAD, "4", "%address")
    b.return_("ptr", b.offset("%context", CONTEXT_OFFSETS["scratch"]))
    return b.text("noinline")
