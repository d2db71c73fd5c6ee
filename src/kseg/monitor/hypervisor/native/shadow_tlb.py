"""`kseg.monitor.hypervisor.shadow_tlb` as machine code, function by function."""

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.codegen.value import Symbol
from kseg.engine.codegen.vector import each_bit, matching
from kseg.engine.state import TLB_SIZE
from kseg.isa import registers as r
from kseg.isa.values import select
from kseg.memory.paged import FRAME_WRITABLE
from kseg.monitor.hypervisor.native.scene import WORLD, Scene, is_user, u32
from kseg.monitor.hypervisor.shadow_tlb import KERNEL, USER
from kseg.monitor.hypervisor.world import ASIDS, WINDOW_ORIGIN

FILLED, GUEST, NOT_MEMORY, KEPT = range(4)
"""As `Fill` there."""
_ALL = 0xFFFFFFFF


def functions() -> list[str]:
    """The text of every function of this file."""
    return [
        _drop(),
        _give_asid(),
        _leave_space(),
        _fill(),
        _enter_page(),
        _foresee(),
        _guest_wrote(),
    ]


def _drop() -> str:
    """Empty entry %index of the hardware's TLB."""
    b = FunctionBuilder("drop", "void", [WORLD, ("i64", "index")], "internal")
    scene = Scene(b)
    unused = u32(b, b.emit("trunc i64 %index to i32")) << 12 | r.KSEG0
    _place(b, scene, "%index", unused.i32(), "0")
    scene.world.set_word("slot_guest", "%index", "0")
    b.do("ret void")
    return b.text("noinline")


def _place(b: FunctionBuilder, scene: Scene, index: Operand, high: Operand, low: Operand) -> None:
    function = scene.world.pointer("tlb_place")
    context = scene.hardware_context.base
    b.do(f"call void {function}(ptr {context}, i64 {index}, i32 {high}, i32 {low})")


def _give_asid() -> str:
    """The next ASID in turn for byte %place of the guest's `asids`."""
    b = FunctionBuilder("give_asid", "i32", [WORLD, ("i64", "place")], "internal")
    scene = Scene(b)
    world, hardware = scene.world, scene.hardware
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
    place = b.offset(scene.guest.address("asids"), "%place")
    b.store("i8", b.emit(f"trunc i32 {asid.i32()} to i8"), place)
    b.store("ptr", place, world.address("asid_holder"), at)
    b.return_("i32", asid.i32())
    return b.text("noinline")


def _leave_space() -> str:
    """Virtual kernel mode goes on in another address space: its programs' pages go."""
    b = FunctionBuilder("leave_space", "void", [WORLD], "internal")
    scene = Scene(b)
    world, guest, hardware = scene.world, scene.guest, scene.hardware
    known = u32(b, b.emit(f"zext i8 {b.load('i8', guest.address('asids'), KERNEL)} to i32"))
    mine = matching(b, world.address("slot_guest"), guest["number"].i32(), _ALL)
    asid = matching(b, hardware.address("tlb_entry_hi"), (known << 6).i32(), r.ASID_MASK)
    window = matching(b, world.address("slot_origin"), str(WINDOW_ORIGIN), _ALL)
    others = b.emit(f"xor i64 {window}, -1")
    gone = b.emit(f"and i64 {b.emit(f'and i64 {mine}, {asid}')}, {others}")
    with each_bit(b, gone) as index:
        b.do(f"call void @drop(ptr %world, i64 {index})")
    b.do("ret void")
    return b.text("noinline")


def shadow_asid(b: FunctionBuilder, scene: Scene) -> Symbol:
    """The hardware's ASID for the guest's present mode and address space, in EntryHi's bits."""
    guest = scene.guest
    space = u32(b, (scene.virtual["entry_hi"] & r.ASID_MASK).i32())
    user = Symbol.of_i1(b, is_user(scene.virtual).i1())
    with b.if_(((user == 0) & (space != guest["kernel_space"])).i1(), "unlikely"):
        b.do("call void @leave_space(ptr %world)")
        guest["kernel_space"] = space
    place = select(user, (space >> 6) + USER, KERNEL).i64()
    known = b.emit(f"zext i8 {b.load('i8', guest.address('asids'), place)} to i32")
    asid = b.variable("i32", known)
    with b.if_((u32(b, known) == 0).i1(), "unlikely"):
        asid.set(b.emit(f"call i32 @give_asid(ptr %world, i64 {place})"))
    return u32(b, (u32(b, asid.get()) << 6).i32())


def _fill() -> str:
    """Enter the page of %address into the shadow TLB; FILLED, or why not."""
    parameters = [WORLD, ("i32", "address"), ("i1", "store")]
    b = FunctionBuilder("fill", "i32", parameters, "internal")
    scene = Scene(b)
    world, guest, virtual = scene.world, scene.guest, scene.virtual
    address, store = u32(b, "%address"), Symbol.of_i1(b, "%store")
    page, may_store = b.variable("i32", "0"), b.variable("i32", "1")
    origin = b.variable("i32", str(WINDOW_ORIGIN))
    inside = u32(b, (address - guest["window_base"]).i32())
    in_window = (inside < guest["window_size"]) & (is_user(virtual) == 0)
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
        scene.virtual_context["exit_address"] = u32(b, page.get()) << 12
        b.return_("i32", str(KEPT))
    high = (address & r.VPN_MASK) | shadow_asid(b, scene)
    given = f"i32 {high.i32()}, i32 {frame.i32()}, i32 {may_store.get()}, i32 {origin.get()}"
    b.do(f"call void @enter_page(ptr %world, {given})")
    b.return_("i32", str(FILLED))
    return b.text("noinline")


def _enter_page() -> str:
    """Write an entry %high for a page that lies in %frame, a word of the table."""
    parameters = [
        WORLD,
        ("i32", "high"),
        ("i32", "frame"),
        ("i32", "may_store"),
        ("i32", "origin"),
    ]
    b = FunctionBuilder("enter_page", "void", parameters, "internal")
    scene = Scene(b)
    world, hardware = scene.world, scene.hardware
    frame, high = u32(b, "%frame"), u32(b, "%high")
    dirty = ((frame & FRAME_WRITABLE) != 0) & (u32(b, "%may_store") != 0)
    low = (frame & r.VPN_MASK) | r.ENTRY_LO_V | select(dirty, r.ENTRY_LO_D, 0)
    present = matching(b, hardware.address("tlb_entry_hi"), "%high", _ALL)
    unused = matching(b, world.address("slot_guest"), "0", _ALL)
    is_absent = b.emit(f"icmp eq i64 {present}, 0")
    fitting = b.emit(f"select i1 {is_absent}, i64 {unused}, i64 {present}")
    slot = b.variable("i64", b.emit(f"call i64 @llvm.cttz.i64(i64 {fitting}, i1 false)"))
    with b.if_(b.emit(f"icmp eq i64 {fitting}, 0")):
        following = world["next_slot"]
        slot.set(following.i64())
        world["next_slot"] = (following + 1) & (TLB_SIZE - 1)
    _place(b, scene, slot.get(), high.i32(), low.i32())
    world.set_word("slot_guest", slot.get(), scene.guest["number"].i32())
    world.set_word("slot_origin", slot.get(), "%origin")
    b.do("ret void")
    return b.text("noinline")


def _foresee() -> str:
    """The guest has written entry %index of its TLB: its user mode is about to use it."""
    b = FunctionBuilder("foresee", "void", [WORLD, ("i64", "index")], "internal")
    scene = Scene(b)
    guest, virtual = scene.guest, scene.virtual
    high = u32(b, virtual.word("tlb_entry_hi", "%index").i32())
    low = u32(b, virtual.word("tlb_entry_lo", "%index").i32())
    space = select((low & r.ENTRY_LO_G) != 0, virtual["entry_hi"], high)
    place = (((space & r.ASID_MASK) >> 6) + USER).i64()
    asid = u32(b, b.emit(f"zext i8 {b.load('i8', guest.address('asids'), place)} to i32"))
    number = (low >> 12).i64()
    input_port = Symbol.of_i1(b, b.emit(f"icmp uge i64 {number}, {guest['pages'].i64()}"))
    find = scene.world.pointer("tlb_find")
    wanted = ((high & r.VPN_MASK) | (space & r.ASID_MASK)).i32()
    first = b.emit(f"call i32 {find}(ptr {virtual.base}, i32 {wanted})")
    written = b.emit("trunc i64 %index to i32")
    # Where another one for the page comes first.
    hidden = Symbol.of_i1(b, b.emit(f"icmp ne i32 {first}, {written}"))
    useless = ((low & r.ENTRY_LO_V) == 0) | (high >= r.KSEG0) | (asid == 0) | input_port | hidden
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
    b = FunctionBuilder("guest_wrote", "void", [WORLD, ("i64", "written")], "internal")
    scene = Scene(b)
    world, virtual, hardware = scene.world, scene.virtual, scene.hardware
    mine = matching(b, world.address("slot_guest"), scene.guest["number"].i32(), _ALL)
    with each_bit(b, "%written") as index:
        origin = b.emit(f"trunc i64 {index} to i32")
        made = matching(b, world.address("slot_origin"), origin, _ALL)
        page = virtual.word("tlb_entry_hi", index).i32()
        same = matching(b, hardware.address("tlb_entry_hi"), page, r.VPN_MASK)
        gone = b.emit(f"and i64 {mine}, {b.emit(f'or i64 {made}, {same}')}")
        with each_bit(b, gone) as slot:
            b.do(f"call void @drop(ptr %world, i64 {slot})")
        b.do(f"call void @foresee(ptr %world, i64 {index})")
    b.do("ret void")
    return b.text("noinline")
