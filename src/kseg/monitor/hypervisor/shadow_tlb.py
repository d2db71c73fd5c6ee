"""The shadow TLB (shadow page table): the hardware's, with entries made from guests', under ASIDs
of ours.

An entry of a guest maps its virtual pages to what it takes for physical ones; the shadow entry maps
the same virtual page to the frame that holds that page. Virtual kernel and virtual user mode have
different ASIDs, so that what only the guest's kernel may reach is out of its users' reach.

This is typed Python (`kseg.engine.codegen.typed`): CPython runs it, and it is the native code too.
"""

import ctypes
from enum import IntEnum
from typing import Annotated, TypeAlias

from kseg.engine.codegen.typed import below, each_bit, lowest_bit, matching, u8, u32, u64, unlikely
from kseg.engine.interpreter.layout import FRAMES, FrameTable
from kseg.engine.state import TLB_SIZE, ProcessorState
from kseg.isa import registers as r
from kseg.memory.paged import FRAME_WRITABLE
from kseg.memory.pages import PAGE_SIZE
from kseg.monitor.hypervisor.world import (
    ASIDS,
    WINDOW_ORIGIN,
    Asid,
    GuestRecord,
    Place,
    Slot,
    World,
)

KERNEL, USER = 0, 1
"""Places in a guest's `asids`: of virtual kernel mode, and of user mode's first space."""
PAGE_SHIFT = 12
ALL = 0xFFFFFFFF
Page: TypeAlias = Annotated[int, below(FRAMES)]


class Fill(IntEnum):
    """What came of a miss in the shadow TLB."""

    FILLED = 0
    GUEST = 1
    """The guest's own TLB faults as well."""
    NOT_MEMORY = 2
    """The guest's TLB maps it to no memory."""
    KEPT = 3
    """A store to a page that is not to be written where it lies."""


def is_user(state: ProcessorState) -> bool:
    """Is a processor in user mode?"""
    return state.status & r.STATUS_KUC != 0


# ASIDs.


def shadow_asid(world: World) -> u32:
    """The hardware's ASID for the guest's present mode and address space, in EntryHi's bits."""
    guest, virtual = world.present, world.virtual_state
    space = virtual.entry_hi & r.ASID_MASK
    user = is_user(virtual)
    if unlikely(not user and space != guest.kernel_space):
        leave_space(world)
        guest.kernel_space = space
    place = USER + (space >> r.ASID_SHIFT) if user else KERNEL
    asid: u8 = guest.asids[place]
    if unlikely(asid == 0):
        asid = give_asid(world, place)
    return asid << r.ASID_SHIFT


def leave_space(world: World) -> None:
    """Virtual kernel mode has one ASID, so that what it has in the window stays when the guest's
    address space changes; its programs' pages go."""
    guest = world.present
    mine = matching(world.slot_guest, guest.number, ALL)
    asid = guest.asids[KERNEL] << r.ASID_SHIFT
    kernels = matching(world.hardware_state.tlb_entry_hi, asid, r.ASID_MASK)
    window = matching(world.slot_origin, WINDOW_ORIGIN, ALL)
    for slot in each_bit(mine & kernels & ~window):
        drop(world, slot)


def give_asid(world: World, place: Place) -> Asid:
    """The next ASID, in turn, for a place of the guest's; the address space that had it loses
    its entries with it."""
    asids = world.present.asids
    asid: Asid = world.next_asid % (ASIDS - 1) + 1
    world.next_asid = asid
    if world.asid_holder[asid]:
        ctypes.c_uint8.from_address(world.asid_holder[asid]).value = 0
        entries = world.hardware_state.tlb_entry_hi
        for slot in each_bit(matching(entries, asid << r.ASID_SHIFT, r.ASID_MASK)):
            drop(world, slot)
    asids[place] = asid
    world.asid_holder[asid] = ctypes.addressof(asids) + place
    return asid


# Entries.


def fill(world: World, address: u32, store: bool) -> Fill:
    """Enter the page of a virtual address, if the guest may reach it; where it is KEPT, its address
    in the guest's physical memory is the exit's."""
    guest, virtual = world.present, world.virtual_state
    inside = address - guest.window_base
    page: Page = 0
    may_store: bool = True
    origin: u32 = WINDOW_ORIGIN
    if not is_user(virtual) and 0 <= inside < guest.window_size:
        page = u32(inside) >> PAGE_SHIFT
    else:
        # As the guest's own hardware would.
        index = world.find(virtual, address & r.VPN_MASK | virtual.entry_hi & r.ASID_MASK)
        if index < 0:
            return Fill.GUEST
        low = virtual.tlb_entry_lo[index % TLB_SIZE]
        may_store = low & r.ENTRY_LO_D != 0
        if not low & r.ENTRY_LO_V or (store and not may_store):
            return Fill.GUEST
        page = low >> PAGE_SHIFT
        origin = u32(index)
    if page >= guest.pages:
        return Fill.NOT_MEMORY
    frame = frame_of(guest, page)
    if store and not frame & FRAME_WRITABLE:
        world.virtual_context.exit_address = page << PAGE_SHIFT
        return Fill.KEPT
    enter(world, address & r.VPN_MASK | shadow_asid(world), frame, may_store, origin)
    return Fill.FILLED


def frame_of(guest: GuestRecord, page: Page) -> u32:
    """Where a page below `guest.pages` lies, as the table has it."""
    return u32(FrameTable.from_address(guest.frames)[page])


def enter(world: World, high: u32, frame: u32, may_store: bool, origin: u32) -> None:
    """Write an entry for a page that lies in a frame, given as the table has it: where there is
    one for the page already, else at one that is free, else at the next one in turn."""
    low: u32 = frame & r.VPN_MASK | r.ENTRY_LO_V
    if may_store and frame & FRAME_WRITABLE:
        low |= r.ENTRY_LO_D
    fitting: u64 = matching(world.hardware_state.tlb_entry_hi, high, ALL)
    if fitting == 0:
        fitting = matching(world.slot_guest, 0, ALL)
    slot: Slot = lowest_bit(fitting) % TLB_SIZE
    if fitting == 0:
        slot = world.next_slot % TLB_SIZE
        world.next_slot = (slot + 1) % TLB_SIZE
    world.place(world.hardware_context, slot, high, low)
    world.slot_guest[slot] = world.present.number
    world.slot_origin[slot] = origin


def drop(world: World, slot: Slot) -> None:
    """Empty an entry of the hardware's TLB: in kseg0, a different page for each, it matches no
    address."""
    world.place(world.hardware_context, slot, r.KSEG0 | slot * PAGE_SIZE, 0)
    world.slot_guest[slot] = 0


def guest_wrote(world: World, written: u64) -> None:
    """The guest changed the entries of its TLB that have a bit: what was made from them goes, and
    what is for the same page, for the new entry may come before the one that that was made from."""
    virtual, hardware = world.virtual_state, world.hardware_state
    for index in each_bit(written):
        mine = matching(world.slot_guest, world.present.number, ALL)
        made = matching(world.slot_origin, index, ALL)
        same = matching(hardware.tlb_entry_hi, virtual.tlb_entry_hi[index], r.VPN_MASK)
        for slot in each_bit(mine & (made | same)):
            drop(world, slot)
        prefetch(world, index)


def prefetch(world: World, index: Slot) -> None:
    """The guest has written an entry: its user mode is about to use it."""
    guest, virtual = world.present, world.virtual_state
    high, low = virtual.tlb_entry_hi[index], virtual.tlb_entry_lo[index]
    space = (virtual.entry_hi if low & r.ENTRY_LO_G else high) & r.ASID_MASK
    asid = guest.asids[USER + (space >> r.ASID_SHIFT)]
    page = low >> PAGE_SHIFT
    if not low & r.ENTRY_LO_V or high >= r.KSEG0 or not asid or page >= guest.pages:
        return
    if world.find(virtual, high & r.VPN_MASK | space) != index:
        return  # another one for the page comes first
    entry_hi = high & r.VPN_MASK | asid << r.ASID_SHIFT
    enter(world, entry_hi, frame_of(guest, page), low & r.ENTRY_LO_D != 0, index)


# What only the monitor's Python asks for.


def page_moved(world: World, frame: u32) -> None:
    """Nothing is to lead to a frame any more in the way it did."""
    for slot in each_bit(matching(world.hardware_state.tlb_entry_lo, frame, r.VPN_MASK)):
        if world.slot_guest[slot]:
            drop(world, slot)


def forget(world: World, guest: GuestRecord) -> None:
    """The guest is gone, or another state was given to it."""
    for slot in each_bit(matching(world.slot_guest, guest.number, ALL)):
        drop(world, slot)
    for place in range(USER + ASIDS):
        asid = guest.asids[place] % ASIDS
        if asid:
            world.asid_holder[asid] = 0
            guest.asids[place] = 0
