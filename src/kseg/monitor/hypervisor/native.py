"""The dispatcher as machine code: `dispatcher.Dispatcher.run` and what it needs of `shadow_tlb`.

Function by function the same as there. It is the same code for every profile: what differs between
R3000s is in the engine's functions, which it calls through pointers in `World`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kseg.engine.codegen import vector
from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.codegen.structure import Structure
from kseg.engine.codegen.value import Symbol
from kseg.engine.codegen.vector import each_bit, matching
from kseg.engine.contract import ExitReason
from kseg.engine.interpreter.layout import (
    CODE_PAGE_ORIGINALS,
    ENTRY_OPERATION,
    LATCH_NONE,
    LEFT_KERNEL,
    STEADY_SLOTS,
    TRANSLATED,
    Context,
    Shared,
)
from kseg.engine.state import TLB_SIZE, ProcessorState
from kseg.isa import registers as r
from kseg.isa.exceptions import ExceptionCode
from kseg.isa.values import select
from kseg.memory.paged import FRAME_WRITABLE
from kseg.monitor.hypervisor.dispatcher import INTO_THE_KERNEL
from kseg.monitor.hypervisor.world import (
    ASIDS,
    UNPRIVILEGED,
    WINDOW_ORIGIN,
    ExitKind,
    GuestRecord,
    World,
)

DIRECT, KERNEL_MODE = -2, -1
"""Instead of an ExitKind: the hardware can go on; virtual kernel mode is emulated."""
FILLED, GUEST, NOT_MEMORY, KEPT = range(4)
"""As `shadow_tlb.Fill`."""
_NEVER = 1 << 40
_PRELUDE = """
declare i64 @llvm.umin.i64(i64, i64)
declare i64 @llvm.readcyclecounter()
!0 = !{!"branch_weights", i32 2000, i32 1}
!1 = !{!"branch_weights", i32 1, i32 2000}
"""


def build() -> str:
    """The module; its function is `supervise`, which takes and returns what `run` of the
    interpreter does."""
    functions = [
        _drop(),
        _give_asid(),
        _fill(),
        _enter_page(),
        _foresee(),
        _guest_wrote(),
        _classify(),
        _rewrite(),
    ]
    return _PRELUDE + vector.DECLARATIONS + "\n".join([*functions, _Supervise().text])


def u32(b: FunctionBuilder, operand: Operand) -> Symbol:
    """An i32 operand as a value."""
    return Symbol.of_i32(b, operand)


class _Everything:
    """What the functions work on: the world, the guest in it, the hardware and the virtual
    processor."""

    def __init__(self, b: FunctionBuilder, world: Operand = "%world") -> None:
        self.world = Structure(b, world, World)
        self.guest = Structure(b, self.world.pointer("guest"), GuestRecord)
        self.hardware_context = Structure(b, self.world.pointer("hardware"), Context)
        self.virtual_context = Structure(b, self.world.pointer("virtual"), Context)
        self.hardware = Structure(b, self.hardware_context.pointer("state"), ProcessorState)
        self.virtual = Structure(b, self.virtual_context.pointer("state"), ProcessorState)


_WORLD = ("ptr", "world")


def _is_user(state: Structure) -> Symbol:
    return (state["status"] & r.STATUS_KUC) != 0


def _drop() -> str:
    """Empty entry %index of the hardware's TLB."""
    b = FunctionBuilder("drop", "void", [_WORLD, ("i64", "index")], "internal")
    every = _Everything(b)
    unused = u32(b, b.emit("trunc i64 %index to i32")) << 12 | r.KSEG0
    _place(b, every, "%index", unused.i32(), "0")
    every.world.set_word("slot_guest", "%index", "0")
    b.do("ret void")
    return b.text("noinline")


def _place(
    b: FunctionBuilder, every: _Everything, index: Operand, high: Operand, low: Operand
) -> None:
    function = every.world.pointer("tlb_place")
    context = every.hardware_context.base
    b.do(f"call void {function}(ptr {context}, i64 {index}, i32 {high}, i32 {low})")


def _give_asid() -> str:
    """The next ASID in turn for byte %place of the guest's `asids`."""
    b = FunctionBuilder("give_asid", "i32", [_WORLD, ("i64", "place")], "internal")
    every = _Everything(b)
    world, hardware = every.world, every.hardware
    last = world["next_asid"]
    asid = u32(b, select(last >= ASIDS - 1, 1, last + 1).i32())
    world["next_asid"] = asid
    at = b.emit(f"shl i64 {asid.i64()}, 3")
    holder = b.load("ptr", world.address("asid_holder"), at)
    with b.if_(b.emit(f"icmp ne ptr {holder}, null")):
        b.store("i8", "0", holder)
        theirs = matching(b, hardware.address("tlb_entry_hi"), (asid << 6).i32(), r.ASID_MASK)
        with each_bit(b, theirs) as index:
            b.do(f"call void @drop(ptr %world, i64 {index})")
    place = b.offset(every.guest.address("asids"), "%place")
    b.store("i8", b.emit(f"trunc i32 {asid.i32()} to i8"), place)
    b.store("ptr", place, world.address("asid_holder"), at)
    b.return_("i32", asid.i32())
    return b.text("noinline")


def _asid(b: FunctionBuilder, every: _Everything) -> Symbol:
    """The hardware's ASID for the guest's present mode and address space, in EntryHi's bits."""
    mode = select(_is_user(every.virtual), ASIDS, 0)
    place = (((every.virtual["entry_hi"] & r.ASID_MASK) >> 6) + mode).i64()
    known = b.emit(f"zext i8 {b.load('i8', every.guest.address('asids'), place)} to i32")
    asid = b.variable("i32", known)
    with b.if_((u32(b, known) == 0).i1(), "unlikely"):
        asid.set(b.emit(f"call i32 @give_asid(ptr %world, i64 {place})"))
    return u32(b, (u32(b, asid.get()) << 6).i32())


def _fill() -> str:
    """Enter the page of %address into the shadow TLB; FILLED, or why not."""
    parameters = [_WORLD, ("i32", "address"), ("i1", "store")]
    b = FunctionBuilder("fill", "i32", parameters, "internal")
    every = _Everything(b)
    world, guest, virtual = every.world, every.guest, every.virtual
    address, store = u32(b, "%address"), Symbol.of_i1(b, "%store")
    page, may_store = b.variable("i32", "0"), b.variable("i32", "1")
    origin = b.variable("i32", str(WINDOW_ORIGIN))
    inside = u32(b, (address - guest["window_base"]).i32())
    in_window = (inside < guest["window_size"]) & (_is_user(virtual) == 0)
    page.set((inside >> 12).i32())
    with b.if_((in_window == 0).i1()):
        wanted = (address & r.VPN_MASK) | (virtual["entry_hi"] & r.ASID_MASK)
        find = world.pointer("tlb_find")
        found = b.emit(f"call i32 {find}(ptr {virtual.base}, i32 {wanted.i32()})")
        with b.leave_if(b.emit(f"icmp slt i32 {found}, 0")):
            b.return_("i32", str(GUEST))
        low = virtual.word("tlb_entry_lo", u32(b, found).i64())
        dirty = (low & r.ENTRY_LO_D) != 0
        invalid = ((low & r.ENTRY_LO_V) == 0) | (store & (dirty == 0))
        with b.leave_if(invalid.i1()):
            b.return_("i32", str(GUEST))
        page.set((low >> 12).i32())
        may_store.set(dirty.i32())
        origin.set(found)
    number = u32(b, page.get()).i64()
    with b.leave_if(b.emit(f"icmp uge i64 {number}, {guest['pages'].i64()}")):
        b.return_("i32", str(NOT_MEMORY))
    frame = u32(b, b.load("i32", guest.pointer("frames"), b.emit(f"shl i64 {number}, 2")))
    writable = (frame & FRAME_WRITABLE) != 0
    with b.leave_if((store & (writable == 0)).i1()):
        every.virtual_context["exit_address"] = u32(b, page.get()) << 12
        b.return_("i32", str(KEPT))
    high = (address & r.VPN_MASK) | _asid(b, every)
    given = f"i32 {high.i32()}, i32 {frame.i32()}, i32 {may_store.get()}, i32 {origin.get()}"
    b.do(f"call void @enter_page(ptr %world, {given})")
    b.return_("i32", str(FILLED))
    return b.text("noinline")


def _enter_page() -> str:
    """Write an entry %high for a page that lies in %frame, a word of the table."""
    parameters = [
        _WORLD,
        ("i32", "high"),
        ("i32", "frame"),
        ("i32", "may_store"),
        ("i32", "origin"),
    ]
    b = FunctionBuilder("enter_page", "void", parameters, "internal")
    every = _Everything(b)
    world, hardware = every.world, every.hardware
    frame, high = u32(b, "%frame"), u32(b, "%high")
    dirty = ((frame & FRAME_WRITABLE) != 0) & (u32(b, "%may_store") != 0)
    low = (frame & r.VPN_MASK) | r.ENTRY_LO_V | select(dirty, r.ENTRY_LO_D, 0)
    present = matching(b, hardware.address("tlb_entry_hi"), "%high", 0xFFFFFFFF)
    unused = matching(b, world.address("slot_guest"), "0", 0xFFFFFFFF)
    is_absent = b.emit(f"icmp eq i64 {present}, 0")
    fitting = b.emit(f"select i1 {is_absent}, i64 {unused}, i64 {present}")
    slot = b.variable("i64", b.emit(f"call i64 @llvm.cttz.i64(i64 {fitting}, i1 false)"))
    with b.if_(b.emit(f"icmp eq i64 {fitting}, 0")):
        following = world["next_slot"]
        slot.set(following.i64())
        world["next_slot"] = (following + 1) & (TLB_SIZE - 1)
    _place(b, every, slot.get(), high.i32(), low.i32())
    world.set_word("slot_guest", slot.get(), every.guest["number"].i32())
    world.set_word("slot_origin", slot.get(), "%origin")
    b.do("ret void")
    return b.text("noinline")


def _foresee() -> str:
    """The guest has written entry %index of its TLB: its user mode is about to use it."""
    b = FunctionBuilder("foresee", "void", [_WORLD, ("i64", "index")], "internal")
    every = _Everything(b)
    guest, virtual = every.guest, every.virtual
    high = u32(b, virtual.word("tlb_entry_hi", "%index").i32())
    low = u32(b, virtual.word("tlb_entry_lo", "%index").i32())
    space = select((low & r.ENTRY_LO_G) != 0, virtual["entry_hi"], high)
    place = (((space & r.ASID_MASK) >> 6) + ASIDS).i64()
    asid = u32(b, b.emit(f"zext i8 {b.load('i8', guest.address('asids'), place)} to i32"))
    number = (low >> 12).i64()
    outside = Symbol.of_i1(b, b.emit(f"icmp uge i64 {number}, {guest['pages'].i64()}"))
    useless = ((low & r.ENTRY_LO_V) == 0) | (high >= r.KSEG0) | (asid == 0) | outside
    with b.if_((useless == 0).i1()):
        frame = b.load("i32", guest.pointer("frames"), b.emit(f"shl i64 {number}, 2"))
        entry_hi = (high & r.VPN_MASK) | (asid << 6)
        may_store = select((low & r.ENTRY_LO_D) != 0, 1, 0)
        origin = b.emit("trunc i64 %index to i32")
        given = f"i32 {entry_hi.i32()}, i32 {frame}, i32 {may_store.i32()}, i32 {origin}"
        b.do(f"call void @enter_page(ptr %world, {given})")
    b.do("ret void")
    return b.text("noinline")


def _guest_wrote() -> str:
    """The guest changed the entries of its TLB whose bits are set in %written."""
    b = FunctionBuilder("guest_wrote", "void", [_WORLD, ("i64", "written")], "internal")
    every = _Everything(b)
    world, virtual, hardware = every.world, every.virtual, every.hardware
    mine = matching(b, world.address("slot_guest"), every.guest["number"].i32(), 0xFFFFFFFF)
    with each_bit(b, "%written") as index:
        origin = b.emit(f"trunc i64 {index} to i32")
        made = matching(b, world.address("slot_origin"), origin, 0xFFFFFFFF)
        page = virtual.word("tlb_entry_hi", index).i32()
        same = matching(b, hardware.address("tlb_entry_hi"), page, r.VPN_MASK)
        gone = b.emit(f"and i64 {mine}, {b.emit(f'or i64 {made}, {same}')}")
        with each_bit(b, gone) as slot:
            b.do(f"call void @drop(ptr %world, i64 {slot})")
        b.do(f"call void @foresee(ptr %world, i64 {index})")
    b.do("ret void")
    return b.text("noinline")


def _classify() -> str:
    """The hardware raised exception %code, not one of the TLB: the ExitKind."""
    parameters = [_WORLD, ("i32", "code"), ("i32", "address")]
    b = FunctionBuilder("classify", "i32", parameters, "internal")
    every = _Everything(b)
    code, address = u32(b, "%code"), u32(b, "%address")
    in_kernel = _is_user(every.virtual) == 0
    with b.leave_if((code == int(ExceptionCode.SYSTEM_CALL)).i1()):
        b.return_("i32", str(int(ExitKind.SYSTEM_CALL)))
    privileged = (code == int(ExceptionCode.COPROCESSOR_UNUSABLE)) & in_kernel
    with b.leave_if(privileged.i1()):
        b.return_("i32", str(int(ExitKind.PRIVILEGED)))
    refused = (code == int(ExceptionCode.ADDRESS_ERROR_LOAD)) | (
        code == int(ExceptionCode.ADDRESS_ERROR_STORE)
    )
    with b.if_((refused & in_kernel & (address >= r.KSEG0)).i1()):
        is_fetch = address == every.virtual["pc"]
        fetch, access = ExitKind.KERNEL_SEGMENT_FETCH, ExitKind.KERNEL_SEGMENT_ACCESS
        b.return_("i32", select(is_fetch, int(fetch), int(access)).i32())
        b.place(b.label("unreached"))
    b.return_("i32", str(int(ExitKind.OTHER_EXCEPTION)))
    return b.text("noinline")


def _rewrite() -> str:
    """Let the instruction that has just trapped be executed as one that works on the virtual
    processor's CP0, from now on, if there is such a one. The guest's memory stays as it is: only
    what the engine has decoded from it changes."""
    b = FunctionBuilder("rewrite", "void", [_WORLD, ("ptr", "shared")], "internal")
    every, shared = _Everything(b), Structure(b, "%shared", Shared)
    code_page = every.hardware_context.pointer("code_page")
    number = ((every.virtual["pc"] & 0xFFC) >> 2).i64()
    entry = b.offset(code_page, b.emit(f"shl i64 {number}, 4"))
    operation = b.load("i8", entry, ENTRY_OPERATION)
    begins = b.emit(f"icmp eq i8 {operation}, {TRANSLATED}")
    originals = b.offset(b.offset(code_page, CODE_PAGE_ORIGINALS), number)
    own = b.emit(f"select i1 {begins}, i8 {b.load('i8', originals)}, i8 {operation}")
    table = shared.address("rewritten")
    better = b.load("i8", table, b.emit(f"zext i8 {own} to i64"))
    with b.if_(b.emit(f"icmp ne i8 {better}, 0")):
        with b.if_(begins):
            b.store("i8", better, originals)
        with b.if_(b.emit(f"xor i1 {begins}, true")):
            b.store("i8", better, entry, ENTRY_OPERATION)
            at = b.emit(f"shl i64 {b.emit(f'zext i8 {better} to i64')}, 3")
            b.store("ptr", b.load("ptr", shared.address("handlers"), at), entry)
        every.guest.add("rewritten", "1")
    b.do("ret void")
    return b.text("noinline")


class _Supervise:
    """The function `supervise(shared, limit)`: see `dispatcher.Dispatcher.run`."""

    def __init__(self) -> None:
        parameters = [("ptr", "shared"), ("i64", "limit")]
        self.b = b = FunctionBuilder("supervise", "i32", parameters, "hidden")
        self.shared = Structure(b, "%shared", Shared)
        b.do(f"%world = load ptr, ptr {self.shared.address('monitor')}")
        self.every = _Everything(b)
        self.kind = b.variable("i32", "0")
        self.direct = b.variable("i32", "0")
        self.since = b.variable("i64", "0")
        self.last = b.variable("i32", "0")
        self._enter()
        self.again = b.label("dispatch")
        b.jump(self.again)
        b.place(self.again)
        with b.scope():
            self._turn()
        self.text = b.text("noinline")

    def _enter(self) -> None:
        b, virtual = self.b, self.every.virtual
        with b.if_((self.shared["keep_steady"] == 0).i1()):
            for slot in range(STEADY_SLOTS):
                b.store("i64", "0", self.shared.address("steady_keys"), 8 * slot)
        self.shared["keep_steady"] = 0
        self.every.hardware_context["virtual"] = b.emit(f"ptrtoint ptr {virtual.base} to i64")
        with b.if_(((virtual["interrupt_lines"] & r.WAKING_LINES) != 0).i1()):
            virtual["waiting"] = 0

    def _turn(self) -> None:
        """One decision, and what follows from it."""
        b, virtual = self.b, self.every.virtual
        clock = virtual["clock"].i64()
        timer = self._cycles_to_timer(clock)
        with b.leave_if(b.emit(f"icmp uge i64 {clock}, %limit")):
            self._return(str(int(ExitReason.BUDGET)))
        halted = (virtual["waiting"] != 0) | (virtual["enabled"] == 0)
        with b.leave_if(halted.i1()):
            self._return(str(int(ExitReason.IDLE)))
        self._decide()
        decided = self.kind.get()
        with b.if_(b.emit(f"icmp slt i32 {decided}, 0")):
            self._stop_watch()
        with b.if_(b.emit(f"icmp eq i32 {decided}, {DIRECT}")):
            self._run_directly(clock, timer)
        kind = self.kind.get()
        with b.if_(b.emit(f"icmp sge i32 {kind}, 0")):
            self._count(kind)
            wanted = self.every.world["rewrites"] != 0
            privileged = u32(b, kind) == int(ExitKind.PRIVILEGED)
            with b.if_((wanted & privileged).i1()):
                b.do("call void @rewrite(ptr %world, ptr %shared)")
        # What leads to the guest's kernel is gone on with there by a hybrid monitor.
        leads = Symbol.of_i1(b, "false")
        for each in INTO_THE_KERNEL:
            leads = leads | (u32(b, kind) == int(each))
        in_kernel = Symbol.of_i1(b, b.emit(f"icmp slt i32 {kind}, 0"))
        # While exits are timed it is not, or the kernel's work would count as the exit's.
        hybrid, timed = self.every.guest["hybrid"] != 0, self.every.world["timed"] != 0
        on = in_kernel | (leads & hybrid & (timed == 0))
        self._emulate((on == 0).i1())
        b.jump(self.again)

    def _decide(self) -> None:
        """Set `kind`: why the hardware cannot go on with the guest, or DIRECT if it can. What is
        written last comes first."""
        b, every, virtual = self.b, self.every, self.every.virtual
        status = u32(b, virtual["status"].i32())
        hybrid = (every.guest["hybrid"] != 0) & ((status & r.STATUS_KUC) == 0)
        raised = virtual["cause"] | virtual["interrupt_lines"] | virtual["timer_line"]
        due = ((status & r.STATUS_IEC) != 0) & ((raised & status & r.STATUS_IM) != 0)
        isolated = (status & (r.STATUS_ISC | r.STATUS_SWC)) != 0
        answered = every.virtual_context["latch"] != LATCH_NONE
        kind = select(isolated, int(ExitKind.PRIVILEGED), DIRECT)
        kind = select(hybrid, KERNEL_MODE, kind)
        kind = select(due, int(ExitKind.INTERRUPT), kind)
        kind = select(answered, int(ExitKind.ANSWER), kind)
        self.kind.set(kind.i32())

    def _cycles_to_timer(self, clock: Operand) -> Operand:
        b, virtual = self.b, self.every.virtual
        cycles = b.variable("i64", str(_NEVER))
        with b.if_((virtual["timer_armed"] != 0).i1(), "unlikely"):
            count = b.emit(f"sub i64 {clock}, {virtual['count_origin'].i64()}")
            low = u32(b, b.emit(f"trunc i64 {count} to i32"))
            distance = b.variable("i32", (virtual["compare"] - low).i32())
            with b.if_((u32(b, distance.get()) == 0).i1()):
                virtual["count_origin"] = clock
                virtual["timer_line"] = r.TIMER_LINE
                distance.set(virtual["compare"].i32())
            left = u32(b, distance.get())
            cycles.set(left.i64())
            with b.if_((left == 0).i1()):
                cycles.set(str(1 << 32))
        return cycles.get()

    def _run_directly(self, clock: Operand, timer: Operand) -> None:
        """Let the hardware execute until something traps; goes on after it with `kind` set where
        something is to be emulated."""
        b, every = self.b, self.every
        virtual, hardware, context = every.virtual, every.hardware, every.hardware_context
        self._choose_bank()
        _copy(b, virtual.base, hardware.base)
        coprocessors = virtual["status"] & (0xE << r.STATUS_CU_SHIFT)
        hardware["status"] = coprocessors | r.STATUS_KUC
        hardware["entry_hi"] = _asid(b, every)
        hardware["user_stalls"] = 0
        context["mode_since"] = clock
        until = b.emit(
            f"call i64 @llvm.umin.i64(i64 %limit, i64 {b.emit(f'add i64 {clock}, {timer}')})"
        )
        run = every.world.pointer("run_processor")
        code = b.emit(f"call i32 {run}(ptr {context.base}, i64 {until})")
        _copy(b, hardware.base, virtual.base)
        self.direct.set("1")
        cycles = b.emit(f"sub i64 {virtual['clock'].i64()}, {clock}")
        every.guest.add("direct_cycles", cycles)
        every.virtual_context.add("mode_since", cycles)
        user = _is_user(virtual).i1()
        for what, amount in (("cycles", cycles), ("stalls", hardware["user_stalls"].i64())):
            offsets = [virtual.offset(f"{mode}_{what}") for mode in ("user", "kernel")]
            at = b.emit(f"select i1 {user}, i64 {offsets[0]}, i64 {offsets[1]}")
            b.store(
                "i64",
                b.emit(f"add i64 {b.load('i64', virtual.base, at)}, {amount}"),
                virtual.base,
                at,
            )
        with b.if_(b.emit(f"icmp ne i32 {code}, {int(ExitReason.TRAP)}")):
            with b.leave_if(b.emit(f"icmp ne i32 {code}, {int(ExitReason.BUDGET)}")):
                self._return(code)
            b.jump(self.again)
            b.place(b.label("unreached"))
        self._start_watch()
        fault = u32(b, (context["fault_code"] & 0xFF).i32())
        address = context["fault_address"].i32()
        is_tlb = (fault >= int(ExceptionCode.TLB_MODIFIED)) & (
            fault <= int(ExceptionCode.TLB_STORE)
        )
        with self._either(is_tlb.i1(), lambda: self._classify(fault, address)):
            self._missed(fault, address)

    @contextmanager
    def _either(self, condition: Operand, otherwise: Callable[[], None]) -> Iterator[None]:
        """Code that runs where the i1 `condition` holds, else `otherwise`."""
        b = self.b
        yes, no, join = b.label("yes"), b.label("no"), b.label("join")
        b.branch(condition, yes, no)
        b.place(no)
        with b.scope():
            otherwise()
        b.jump(join)
        b.place(yes)
        with b.scope():
            yield
        b.jump(join)
        b.place(join)

    def _classify(self, fault: Symbol, address: Operand) -> None:
        call = f"call i32 @classify(ptr %world, i32 {fault.i32()}, i32 {address})"
        self.kind.set(self.b.emit(call))

    def _missed(self, fault: Symbol, address: Operand) -> None:
        """The shadow TLB did not have the page, or not for a store."""
        b, every = self.b, self.every
        store = (fault != int(ExceptionCode.TLB_LOAD)).i1()
        result = b.emit(f"call i32 @fill(ptr %world, i32 {address}, i1 {store})")
        with b.if_(b.emit(f"icmp eq i32 {result}, {FILLED}"), "likely"):
            kind = str(int(ExitKind.SHADOW_MISS))
            self.kind.set(kind)
            self._count(kind)
            b.jump(self.again)
            b.place(b.label("unreached"))
        with b.leave_if(b.emit(f"icmp eq i32 {result}, {KEPT}")):
            self._count(str(int(ExitKind.PAGE_STORE)))
            self._return(str(int(ExitReason.PAGE_STORE)))
        guest = every.guest
        inside = u32(b, (u32(b, address) - guest["window_base"]).i32()) < guest["window_size"]
        device = inside & (_is_user(every.virtual) == 0)
        nowhere = Symbol.of_i1(b, b.emit(f"icmp eq i32 {result}, {NOT_MEMORY}"))
        access, reflected = ExitKind.KERNEL_SEGMENT_ACCESS, ExitKind.TLB_FAULT
        self.kind.set(select(device & nowhere, int(access), int(reflected)).i32())

    def _choose_bank(self) -> None:
        """Virtual kernel and user mode have tables of their own in the hardware's context (whose
        kernel mode's are not used otherwise), so that changing between them empties none."""
        b, every = self.b, self.every
        mode = u32(b, _is_user(every.virtual).i32())
        context = every.hardware_context
        with b.if_((mode != every.world["bank"]).i1()):
            every.world["bank"] = mode
            for name in ("reads", "writes", "codes"):
                mine, other = context[f"user_{name}"].i64(), context[f"kernel_{name}"].i64()
                context[f"user_{name}"], context[f"kernel_{name}"] = other, mine
            asid, other_asid = context["asid"].i32(), every.world["other_asid"].i32()
            context["asid"], every.world["other_asid"] = other_asid, asid

    def _emulate(self, one: Operand) -> None:
        """Execute one instruction on the virtual processor, or all until user mode."""
        b, every = self.b, self.every
        virtual, context = every.virtual, every.virtual_context
        began = virtual["clock"].i64()
        following = b.emit(f"add i64 {began}, 1")
        until = b.emit(f"select i1 {one}, i64 {following}, i64 %limit")
        context["leaves_for_user"] = b.emit(f"select i1 {one}, i32 0, i32 1")
        run = every.world.pointer("run_processor")
        code = b.emit(f"call i32 {run}(ptr {context.base}, i64 {until})")
        self.direct.set("0")
        cycles = b.emit(f"sub i64 {virtual['clock'].i64()}, {began}")
        every.guest.add("emulated_cycles", cycles)
        written = context["tlb_written"].i64()
        with b.if_(b.emit(f"icmp ne i64 {written}, 0"), "unlikely"):
            b.do(f"call void @guest_wrote(ptr %world, i64 {written})")
            context["tlb_written"] = 0
        goes_on = (u32(b, code) == int(ExitReason.BUDGET)) | (u32(b, code) == LEFT_KERNEL)
        with b.leave_if((goes_on == 0).i1()):
            with b.if_((u32(b, code) == int(ExitReason.PAGE_STORE)).i1()):
                self._count(str(int(ExitKind.PAGE_STORE)))
            self._return(code)

    # Counting.

    def _count(self, kind: Operand) -> None:
        b = self.b
        self.last.set(kind)
        at = b.emit(f"shl i64 {b.emit(f'zext i32 {kind} to i64')}, 3")
        exits = self.every.guest.address("exits")
        b.store("i64", b.emit(f"add i64 {b.load('i64', exits, at)}, 1"), exits, at)

    def _start_watch(self) -> None:
        b = self.b
        with b.if_((self.every.world["timed"] != 0).i1(), "unlikely"):
            self.since.set(b.emit("call i64 @llvm.readcyclecounter()"))

    def _stop_watch(self) -> None:
        """The guest goes on: what has passed was the price of the last exit."""
        b = self.b
        with b.if_(b.emit(f"icmp ne i64 {self.since.get()}, 0"), "unlikely"):
            now = b.emit("call i64 @llvm.readcyclecounter()")
            passed = b.emit(f"sub i64 {now}, {self.since.get()}")
            self.since.set("0")
            at = b.emit(f"shl i64 {b.emit(f'zext i32 {self.last.get()} to i64')}, 3")
            ticks = self.every.guest.address("ticks")
            b.store("i64", b.emit(f"add i64 {b.load('i64', ticks, at)}, {passed}"), ticks, at)

    def _return(self, code: Operand) -> None:
        b, every = self.b, self.every
        clock = every.virtual["clock"].i64()
        resynchronise = every.world.pointer("resynchronise")
        b.do(f"call void {resynchronise}(ptr {every.virtual_context.base}, i64 {clock})")
        self.shared["round"] = clock
        self.shared["turn"] = 0
        direct = u32(b, self.direct.get()) != 0
        every.hardware_context["unsampled"] = direct == 0
        every.virtual_context["unsampled"] = direct | (every.guest["hybrid"] == 0)
        b.return_("i32", code)


def _copy(b: FunctionBuilder, source: Operand, target: Operand) -> None:
    """What a guest may use of the hardware itself, from one state to another."""
    for offset, size in UNPRIVILEGED:
        done = 0
        while done < size:
            width = next(width for width in (16, 8, 4) if done + width <= size)
            type_ = {16: "<2 x i64>", 8: "i64", 4: "i32"}[width]
            b.store(type_, b.load(type_, source, offset + done), target, offset + done)
            done += width
