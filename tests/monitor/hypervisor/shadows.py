"""Guests without programs, whose shadow TLB is looked at, and what must be true of it."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from kseg.engine import ProcessorState
from kseg.engine.state import TLB_SIZE
from kseg.isa import registers as r
from kseg.isa.assembler import assemble
from kseg.memory.paged import FRAME_WRITABLE, PagedMemory
from kseg.memory.pages import PAGE_SIZE
from kseg.monitor.hypervisor.hypervisor import Hypervisor
from kseg.monitor.hypervisor.shadow_tlb import USER, guest_wrote
from kseg.monitor.hypervisor.supervision import HARDWARE
from kseg.monitor.hypervisor.virtual_processor import VirtualProcessor
from kseg.monitor.hypervisor.world import ASIDS, GuestRecord, World

V, D, G = r.ENTRY_LO_V, r.ENTRY_LO_D, r.ENTRY_LO_G
PAGES = 8
WINDOW = 0x40000000
ORDERS = {"r3000": "little", "r3000-fpu": "little", "r3000-r3010": "little", "mips161": "big"}


def hypervisor(profile: str = "r3000", engine: str = "reference", frames: int = 256) -> Hypervisor:
    return Hypervisor(profile, ORDERS[profile], frames * PAGE_SIZE, engine)


def add(
    host: Hypervisor, *, window: int | None = WINDOW, user: bool = True, pages: int = PAGES
) -> VirtualProcessor:
    """A guest that has a frame for each page."""
    state = ProcessorState()
    state.reset(r.STATUS_KUC if user else 0, 0)
    state.entry_hi = 0
    state.enabled = 1
    memory = PagedMemory(pages * PAGE_SIZE, host.memory)
    host.allocator.fill(memory)
    return host.add(state, memory, window=window)


def load(guest: VirtualProcessor, source: str, at: int, profile: str = "r3000") -> None:
    """Put a program into physical memory, for a kernel in the window or a user program."""
    program = assemble(source, WINDOW + at, ORDERS[profile], profile)
    guest.memory.write(at, program.code)


@contextmanager
def world_of(guest: VirtualProcessor) -> Iterator[World]:
    """The world with this guest in it, for CPython to work on."""
    host = guest.hypervisor
    host.enter(guest)
    world = host.world
    native = world.virtual, world.hardware
    host.supervisor.connect()
    yield world
    world.virtual, world.hardware = native


def write_entry(guest: VirtualProcessor, index: int, high: int, low: int) -> None:
    """What TLBWI does, and what the dispatcher does then."""
    guest.state.tlb_entry_hi[index], guest.state.tlb_entry_lo[index] = high, low
    with world_of(guest) as world:
        guest_wrote(world, 1 << index)


class Shadow(NamedTuple):
    """An entry of the hardware's TLB that a guest has."""

    slot: int
    guest: VirtualProcessor
    user: bool
    space: int
    page: int
    """The virtual one's address."""
    frame: int
    dirty: bool
    origin: int


def shadows(host: Hypervisor) -> list[Shadow]:
    """All entries; AssertionError for one whose ASID was not given out."""
    world, hardware = host.world, host.engine.processors[HARDWARE]
    found = []
    for slot in range(TLB_SIZE):
        number = world.slot_guest[slot]
        high, low = hardware.tlb_entry_hi[slot], hardware.tlb_entry_lo[slot]
        if not number:
            assert high >= r.KSEG0, f"{high:#x} is nobody's"
            continue
        guest = next(each for each in host.guests if each.record.number == number)
        first = ctypes.addressof(guest.record) + GuestRecord.asids.offset
        place = world.asid_holder[(high & r.ASID_MASK) >> 6] - first
        assert 0 <= place <= ASIDS, f"entry {slot} of guest {number} has another one's ASID"
        assert guest.record.asids[place] == (high & r.ASID_MASK) >> 6
        assert low & V
        assert not low & G
        found.append(
            Shadow(
                slot,
                guest,
                place >= USER,
                place - USER << 6 if place >= USER else guest.record.kernel_space,
                high & r.VPN_MASK,
                low & r.VPN_MASK,
                bool(low & D),
                world.slot_origin[slot],
            )
        )
    return found


def inconsistencies(host: Hypervisor) -> Iterator[str]:
    """What the hardware would let guests do that their own would not, or differently."""
    seen = set()
    for each in shadows(host):
        key = (id(each.guest), each.user, each.space, each.page)
        if key in seen:
            yield f"two entries for {each.page:#x}"
        seen.add(key)
        expected = expected_word(each)
        if expected is None:
            yield f"entry {each.slot} maps {each.page:#x}, which the guest cannot reach"
        elif each.frame != expected & -PAGE_SIZE:
            yield f"entry {each.slot} maps {each.page:#x} to another frame"
        elif each.dirty and not expected & FRAME_WRITABLE:
            yield f"entry {each.slot} lets {each.page:#x} be written"


def expected_word(shadow: Shadow) -> int | None:
    """The frame that a guest's page lies in by its own TLB, and whether it may be written there;
    None where its own hardware has no such page."""
    guest, state = shadow.guest, shadow.guest.state
    record = guest.record
    inside = shadow.page - record.window_base
    if not shadow.user and 0 <= inside < record.window_size:
        word: int = guest.memory.frames[inside // PAGE_SIZE]
        return word
    for high, low in zip(state.tlb_entry_hi, state.tlb_entry_lo, strict=True):
        if high & r.VPN_MASK == shadow.page and (low & G or high & r.ASID_MASK == shadow.space):
            if not low & V or low // PAGE_SIZE >= len(guest.memory.frames):
                return None
            word = guest.memory.frames[low // PAGE_SIZE]
            return word if low & D else word & ~FRAME_WRITABLE
    return None
