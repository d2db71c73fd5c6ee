"""See the package: what the functions of `shadow_tlb` must do."""

import ctypes
from enum import Enum

from kseg.engine.contract import Hardware
from kseg.engine.state import TLB_SIZE, ProcessorState
from kseg.isa import registers as r
from kseg.memory.paged import FRAME_WRITABLE
from kseg.memory.pages import PAGE_SIZE
from kseg.monitor.hypervisor.world import ASIDS, WINDOW_ORIGIN, GuestRecord, World

HARDWARE = 1
"""The number of the processor that the guests run on."""


KERNEL, USER = 0, 1
"""Places in a guest's `asids`: of virtual kernel mode, and of user mode's first space."""


class Fill(Enum):
    """What came of a miss in the shadow TLB."""

    FILLED = "filled"
    GUEST = "the guest's own TLB faults as well"
    NOT_MEMORY = "the guest's TLB maps it to no memory"
    KEPT = "a store to a page that is not to be written where it lies"


def unused_entry(index: int) -> int:
    """An EntryHi that matches no address: in kseg0, a different one for each entry."""
    return r.KSEG0 | index * PAGE_SIZE


class ShadowTlb:
    """Entries and ASIDs of the hardware's TLB."""

    def __init__(self, engine: Hardware, world: World) -> None:
        self._engine, self._world = engine, world

    @property
    def _hardware(self) -> ProcessorState:
        return self._engine.processors[HARDWARE]

    # ASIDs.

    def asid(self, guest: GuestRecord, virtual: ProcessorState) -> int:
        """The hardware's ASID for the guest's present mode and address space, in EntryHi's bits."""
        space = virtual.entry_hi & r.ASID_MASK
        if virtual.status & r.STATUS_KUC:
            place = USER + (space >> 6)
        else:
            place = KERNEL
            if space != guest.kernel_space:
                self._leave_space(guest)
                guest.kernel_space = space
        asid: int = guest.asids[place] or self._give_asid(guest, place)
        return asid << 6

    def _leave_space(self, guest: GuestRecord) -> None:
        """Virtual kernel mode has one ASID, so that what it has in the window stays when the
        guest's address space changes; its programs' pages go."""
        asid = guest.asids[KERNEL] << 6
        for index in range(TLB_SIZE):
            if (
                self._world.slot_guest[index] == guest.number
                and self._world.slot_origin[index] != WINDOW_ORIGIN
                and self._hardware.tlb_entry_hi[index] & r.ASID_MASK == asid
            ):
                self._drop(index)

    def _give_asid(self, guest: GuestRecord, place: int) -> int:
        """The next ASID, in turn; the address space that had it loses its entries with it."""
        world = self._world
        asid: int = world.next_asid % (ASIDS - 1) + 1
        world.next_asid = asid
        if world.asid_holder[asid]:
            ctypes.c_uint8.from_address(world.asid_holder[asid]).value = 0
            for index in range(TLB_SIZE):
                if self._hardware.tlb_entry_hi[index] & r.ASID_MASK == asid << 6:
                    self._drop(index)
        guest.asids[place] = asid
        world.asid_holder[asid] = ctypes.addressof(guest) + GuestRecord.asids.offset + place
        return asid

    # Entries.

    def fill(
        self, guest: GuestRecord, virtual: ProcessorState, address: int, *, store: bool
    ) -> tuple[Fill, int]:
        """Enter the page of a virtual address, if the guest may reach it; also the page's number
        in the guest's physical memory, where it is KEPT."""
        found = self._translate(guest, virtual, address, store=store)
        if found is None:
            return Fill.GUEST, 0
        page, may_store, origin = found
        if page >= guest.pages:
            return Fill.NOT_MEMORY, 0
        frame = ctypes.c_uint32.from_address(guest.frames + 4 * page).value
        if store and not frame & FRAME_WRITABLE:
            return Fill.KEPT, page
        entry_hi = address & r.VPN_MASK | self.asid(guest, virtual)
        self._enter(guest, entry_hi, frame, may_store=may_store, origin=origin)
        return Fill.FILLED, page

    def _enter(
        self, guest: GuestRecord, entry_hi: int, frame: int, *, may_store: bool, origin: int
    ) -> None:
        """Write an entry for a page that lies in a frame, given as the table has it."""
        entry_lo = frame & r.VPN_MASK | r.ENTRY_LO_V
        if may_store and frame & FRAME_WRITABLE:
            entry_lo |= r.ENTRY_LO_D
        index = self._place_for(entry_hi)
        self._engine.write_tlb_entry(HARDWARE, index, entry_hi, entry_lo)
        self._world.slot_guest[index] = guest.number
        self._world.slot_origin[index] = origin

    def _translate(
        self, guest: GuestRecord, virtual: ProcessorState, address: int, *, store: bool
    ) -> tuple[int, bool, int] | None:
        """As the guest's own hardware would: physical page, may it be stored to, and by which of
        its entries; None where it would fault."""
        if not virtual.status & r.STATUS_KUC:
            inside = address - guest.window_base
            if 0 <= inside < guest.window_size:
                return inside // PAGE_SIZE, True, WINDOW_ORIGIN
        index = self._find(virtual, address & r.VPN_MASK | virtual.entry_hi & r.ASID_MASK)
        if index is None:
            return None
        low = virtual.tlb_entry_lo[index]
        dirty = bool(low & r.ENTRY_LO_D)
        if not low & r.ENTRY_LO_V or (store and not dirty):
            return None
        return low // PAGE_SIZE, dirty, index

    @staticmethod
    def _find(virtual: ProcessorState, wanted: int) -> int | None:
        """The lowest of the guest's entries that matches an EntryHi."""
        for index in range(TLB_SIZE):
            difference = virtual.tlb_entry_hi[index] ^ wanted
            same_space = not difference & r.ASID_MASK or virtual.tlb_entry_lo[index] & r.ENTRY_LO_G
            if same_space and not difference & r.VPN_MASK:
                return index
        return None

    def _place_for(self, entry_hi: int) -> int:
        """The entry that is there for the page already, else one that nobody has, else the next
        one in turn."""
        for index in range(TLB_SIZE):
            if self._hardware.tlb_entry_hi[index] == entry_hi:
                return index
        for index in range(TLB_SIZE):
            if not self._world.slot_guest[index]:
                return index
        following: int = self._world.next_slot
        self._world.next_slot = (following + 1) % TLB_SIZE
        return following

    def _drop(self, index: int) -> None:
        self._engine.write_tlb_entry(HARDWARE, index, unused_entry(index), 0)
        self._world.slot_guest[index] = 0

    def guest_wrote(self, guest: GuestRecord, virtual: ProcessorState, index: int) -> None:
        """The guest changed an entry of its TLB: what was made from it goes, and what is for the
        same page, for the new entry may come before the one that that was made from."""
        page = virtual.tlb_entry_hi[index] & r.VPN_MASK
        world, hardware = self._world, self._hardware
        for slot in range(TLB_SIZE):
            if world.slot_guest[slot] == guest.number and (
                world.slot_origin[slot] == index or hardware.tlb_entry_hi[slot] & r.VPN_MASK == page
            ):
                self._drop(slot)
        self._prefetch(guest, virtual, index)

    def _prefetch(self, guest: GuestRecord, virtual: ProcessorState, index: int) -> None:
        """The guest has written an entry: its user mode is about to use it."""
        high, low = virtual.tlb_entry_hi[index], virtual.tlb_entry_lo[index]
        space = virtual.entry_hi if low & r.ENTRY_LO_G else high
        asid = guest.asids[USER + ((space & r.ASID_MASK) >> 6)]
        page = low // PAGE_SIZE
        if not low & r.ENTRY_LO_V or high >= r.KSEG0 or not asid or page >= guest.pages:
            return
        if self._find(virtual, high & r.VPN_MASK | space & r.ASID_MASK) != index:
            return  # another one for the page comes first
        frame = ctypes.c_uint32.from_address(guest.frames + 4 * page).value
        entry_hi = high & r.VPN_MASK | asid << 6
        self._enter(guest, entry_hi, frame, may_store=bool(low & r.ENTRY_LO_D), origin=index)

    def page_moved(self, frame: int) -> None:
        """Nothing is to lead to a frame any more in the way it did."""
        for slot, low in enumerate(self._hardware.tlb_entry_lo[:]):
            if low & r.VPN_MASK == frame and self._world.slot_guest[slot]:
                self._drop(slot)

    def forget(self, guest: GuestRecord) -> None:
        """The guest is gone, or another state was given to it."""
        for slot in range(TLB_SIZE):
            if self._world.slot_guest[slot] == guest.number:
                self._drop(slot)
        for place in range(USER + ASIDS):
            asid = guest.asids[place]
            if asid:
                self._world.asid_holder[asid] = 0
                guest.asids[place] = 0
