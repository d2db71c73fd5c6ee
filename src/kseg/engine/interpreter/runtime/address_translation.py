"""What an address leads to: from virtual to physical, by segment and TLB, and on to memory."""

import ctypes

from kseg.engine.codegen.typed import each_bit, i32, i64, matching, pointer, u32, u64, unlikely
from kseg.engine.interpreter.layout import (
    FETCH,
    FRAMES,
    MAX_REGIONS,
    PAGE,
    STORE,
    Context,
    FrameTable,
    RegionEntry,
    Regions,
)
from kseg.engine.interpreter.runtime.specialisation import PROFILE
from kseg.engine.state import TLB_SIZE, ProcessorState
from kseg.isa import registers as r
from kseg.isa.exceptions import ExceptionCode
from kseg.memory.paged import FRAME_WRITABLE

NO_ADDRESS = -1
NOWHERE = 0
"""Instead of the address of something."""


def fault(context: Context, code: u32, address: u32, refill: u32) -> None:
    """Note an exception: the instruction cannot complete."""
    context.fault_reason = 0
    context.fault_code = code
    context.fault_address = address
    context.fault_refill = refill


def tlb_find(state: ProcessorState, entry_hi: u32) -> i32:
    """The lowest entry that matches EntryHi's page and ASID, or -1."""
    for number in each_bit(matching(state.tlb_entry_hi, entry_hi, r.VPN_MASK)):
        difference = state.tlb_entry_hi[number] ^ entry_hi
        if state.tlb_entry_lo[number] & r.ENTRY_LO_G or not difference & r.ASID_MASK:
            return number
    return -1


def translate(context: Context, address: u32, size: u32, reported: u32, access: u32) -> i64:
    """The physical address of a virtual one, or NO_ADDRESS after noting the exception."""
    state = context.processor
    store, fetch = access == STORE, access == FETCH
    error = ExceptionCode.ADDRESS_ERROR_STORE if store else ExceptionCode.ADDRESS_ERROR_LOAD
    miss = ExceptionCode.TLB_STORE if store else ExceptionCode.TLB_LOAD
    bad: u32 = reported
    # Fetches always report exactly: they are of whole, aligned words.
    exact = PROFILE.exact_bad_vaddr or fetch
    if unlikely(address & u32(size - 1) != 0):
        if not exact:
            bad = reported & ~(size & 2)
        fault(context, error, bad, 0)
        return NO_ADDRESS
    if not exact:
        bad = reported & ~3
    user = state.status & r.STATUS_KUC != 0
    if unlikely(address >= r.KSEG0 and user):
        fault(context, error, bad, 0)
        return NO_ADDRESS
    if r.KSEG0 <= address < r.KSEG2:
        return u32(address & r.UNMAPPED_MASK)
    if not PROFILE.has_tlb:
        return address
    inside = address - context.window_base
    if 0 <= inside < context.window_size and not user:
        return u32(inside)
    number = tlb_find(state, address & r.VPN_MASK | state.entry_hi & r.ASID_MASK)
    if unlikely(number < 0):
        fault(context, miss, bad, address < r.KSEG0)
        return NO_ADDRESS
    low = state.tlb_entry_lo[number % TLB_SIZE]
    if unlikely(not low & r.ENTRY_LO_V):
        fault(context, miss, bad, 0)
        return NO_ADDRESS
    if unlikely(store and not low & r.ENTRY_LO_D):
        fault(context, ExceptionCode.TLB_MODIFIED, bad, 0)
        return NO_ADDRESS
    return u32(low & r.VPN_MASK | address & PAGE - 1)


# Physical memory. That of a guest under a monitor is paged: the table of its region says in which
# frame of region 0, the hardware's RAM, each page lies.


def find_region(context: Context, physical: u64) -> pointer:
    """The address of the region that holds a physical address, or NOWHERE."""
    regions = Regions.from_address(context.regions)
    for number in range(min(context.region_count, MAX_REGIONS)):
        region = regions[number]
        if region.base <= physical < region.end:
            return ctypes.addressof(region)
    return NOWHERE


def frame_of(region: RegionEntry, physical: u64) -> u32:
    """Of a region of paged memory: where the page lies, as the table has it."""
    number = u64(physical - region.base) // PAGE % FRAMES
    return u32(FrameTable.from_address(region.frames)[number])


def is_kept(region: RegionEntry, physical: u64) -> bool:
    """Is the page not to be written at present?"""
    return bool(region.frames) and frame_of(region, physical) & FRAME_WRITABLE == 0


def hardware_address(region: RegionEntry, physical: u64) -> u64:
    """A physical address in a region, as the hardware's, if that is another one."""
    if region.frames == 0:
        return physical
    return frame_of(region, physical) & r.VPN_MASK | physical % PAGE


def hardware_region(context: Context, region: RegionEntry) -> RegionEntry:
    """The region that has the bytes of another one."""
    return context.engine.regions[0] if region.frames else region


def host_address(region: RegionEntry, physical: u64) -> pointer:
    """Where on the host a byte of a region lies."""
    return u64(region.host + (physical - region.base))


def page_number(region: RegionEntry, physical: u64) -> u64:
    """The number of a page (see `Region.first_page`)."""
    return u64(region.first_page + u64(physical - region.base) // PAGE)


def holds_whole_page(region: RegionEntry, physical: u64) -> bool:
    """Does a region hold all of the page of an address in it?"""
    page = physical & ~(PAGE - 1)
    return bool(region.base <= page and u64(page + PAGE) <= region.end)
