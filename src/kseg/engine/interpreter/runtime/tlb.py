"""TLB operations, and the tables that mirror the TLB.

A table slot is filled when an access first finds its entry, and emptied when the entry goes or
its address space is left; so a full slot always means what the TLB would say.
"""

from typing import Annotated, TypeAlias

from kseg.engine.codegen.typed import below, each_bit, matching, pointer, u32, u64, unlikely
from kseg.engine.contract import ExitReason
from kseg.engine.interpreter.layout import VIRTUAL_PAGES, Context, PageTable
from kseg.engine.interpreter.runtime.address_translation import tlb_find
from kseg.engine.interpreter.runtime.specialisation import PROFILE
from kseg.engine.interpreter.runtime.trace_records import trace_probed
from kseg.engine.state import TLB_SIZE
from kseg.isa import registers as r
from kseg.isa.exceptions import Fatal

VirtualPage: TypeAlias = Annotated[int, below(VIRTUAL_PAGES)]


def is_mapped(page: u32) -> bool:
    """Does the TLB translate addresses of the virtual page number (kuseg or kseg2)?"""
    return page < r.KSEG0 >> 12 or page >= r.KSEG2 >> 12


def unmap(context: Context, page: VirtualPage) -> None:
    """Empty a virtual page number's slots in every table, if the TLB could have filled them."""
    if is_mapped(page):
        empty(context.kernel_reads, page)
        empty(context.kernel_writes, page)
        empty(context.kernel_codes, page)
        empty(context.user_reads, page)
        empty(context.user_writes, page)
        empty(context.user_codes, page)


def empty(table: pointer, page: VirtualPage) -> None:
    """Let a table know nothing of a page."""
    PageTable.from_address(table)[page] = 0


def leave_address_space(context: Context) -> None:
    """If the ASID has changed, empty every slot that belongs to one."""
    if not PROFILE.has_tlb:
        return
    state = context.processor
    asid, left = state.entry_hi & r.ASID_MASK, context.asid
    if unlikely(asid != left):
        context.asid = asid
        for number in each_bit(matching(state.tlb_entry_hi, left, r.ASID_MASK)):
            if not state.tlb_entry_lo[number] & r.ENTRY_LO_G:
                unmap(context, state.tlb_entry_hi[number] >> 12)


def tlb_read(context: Context) -> None:
    """TLBR."""
    state = context.processor
    number = (state.index & r.INDEX_MASK) >> r.INDEX_SHIFT
    state.entry_hi = state.tlb_entry_hi[number]
    state.entry_lo = state.tlb_entry_lo[number]


def tlb_write(context: Context, number: u32) -> bool:
    """Write an entry; true, with the exit noted and nothing written, if that is fatal."""
    state = context.processor
    high, low = state.entry_hi, state.entry_lo
    if PROFILE.duplicate_tlb_is_fatal:
        for other in each_bit(matching(state.tlb_entry_hi, high, r.VPN_MASK)):
            same_space = not (state.tlb_entry_hi[other] ^ high) & r.ASID_MASK
            any_global = (state.tlb_entry_lo[other] | low) & r.ENTRY_LO_G != 0
            if other != number and (same_space or any_global):
                context.fault_reason = ExitReason.FATAL
                context.exit_fatal = Fatal.DUPLICATE_TLB
                context.exit_value = high
                return True
    if unlikely(context.engine.tracing != 0):
        context.trace_tlb_index = number
        context.trace_tlb_high = state.tlb_entry_hi[number % TLB_SIZE]
        context.trace_tlb_low = state.tlb_entry_lo[number % TLB_SIZE]
    tlb_place(context, number, high, low)
    return False


def tlb_place(context: Context, number: u64, high: u32, low: u32) -> None:
    """Put an entry into the TLB, whatever else is there."""
    state, index = context.processor, number % TLB_SIZE
    unmap(context, state.tlb_entry_hi[index] >> 12)
    unmap(context, high >> 12)
    state.tlb_entry_hi[index] = high
    state.tlb_entry_lo[index] = low
    context.tlb_written |= 1 << index


def leave_state(context: Context) -> None:
    """Empty every slot that the TLB could have filled: the processor is to be another one."""
    state = context.processor
    for number in range(TLB_SIZE):
        unmap(context, state.tlb_entry_hi[number] >> 12)


def tlb_probe(context: Context, pc: u32, clock: u64, flags: u32) -> None:
    """TLBP."""
    state = context.processor
    found = tlb_find(state, state.entry_hi)
    if found < 0:
        state.index = state.index & r.INDEX_MASK | r.INDEX_PROBE_FAILED
    else:
        state.index = found % TLB_SIZE << r.INDEX_SHIFT
    if unlikely(context.engine.tracing != 0):
        trace_probed(context, found, pc, clock, flags)
