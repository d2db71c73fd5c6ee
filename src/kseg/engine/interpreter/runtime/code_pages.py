"""Code pages: finding, making and giving them up (`decoding` fills them in).

A code page belongs to a physical page, so that its entries serve every address space and survive
TLB changes. While a physical page has one, no write table maps it: every store comes through
`store_into_code`, which makes the entry of the changed word decode again.
"""

import ctypes

from kseg.engine.codegen.typed import pointer, u32, u64, unlikely
from kseg.engine.interpreter.layout import (
    CODE_PAGE_STRIDE,
    ENTRIES,
    EXECUTABLE,
    FETCH,
    FRAMES,
    MAX_PROCESSORS,
    PAGE,
    RESUME_SLOT,
    RESUME_UNKNOWN,
    SENTINEL,
    SENTINELS,
    TRANSLATED,
    VIRTUAL_PAGES,
    CodePage,
    Context,
    FrameTable,
    PageTable,
    RegionEntry,
    Shared,
)
from kseg.engine.interpreter.runtime.address_translation import (
    NO_ADDRESS,
    NOWHERE,
    fault,
    find_region,
    hardware_address,
    hardware_region,
    holds_whole_page,
    host_address,
    page_number,
    translate,
)
from kseg.engine.interpreter.runtime.invalidation import (
    clear_translated,
    drop_if_translated,
    is_covered,
    reset_entry,
)
from kseg.engine.interpreter.runtime.specialisation import PROFILE
from kseg.engine.interpreter.runtime.tlb import empty, is_mapped
from kseg.engine.state import TLB_SIZE
from kseg.isa import registers as r
from kseg.isa.exceptions import ExceptionCode

STORES_UNTIL_DATA = 64
"""After so many stores into a decoded page it is taken for data again."""
NOPS_LOOKED_THROUGH = 3
"""How many nops an instruction may be away from the one whose result it takes over."""


def code_page_at(engine: Shared, number: u64) -> pointer:
    """The address of the code page of a page, or NOWHERE."""
    return u64(ctypes.c_uint64.from_address(u64(engine.code_page_of + 8 * number)).value)


def set_code_page(engine: Shared, number: u64, address: pointer) -> None:
    """Note which code page a page has."""
    ctypes.c_uint64.from_address(u64(engine.code_page_of + 8 * number)).value = address


# Slots that lead to a physical page.


def forget(engine: Shared, page: u32, codes: bool) -> None:
    """Empty, for every processor, each slot of the code tables, or of the write tables, that maps
    a physical page number."""
    for number in range(min(engine.context_count, MAX_PROCESSORS)):
        context = Context.from_address(engine.contexts[number])
        region = RegionEntry.from_address(context.regions)
        if region.frames == 0:
            forget_in(context, page, codes)
        else:
            # Of paged memory, several pages can lie in one of the hardware's.
            frames = FrameTable.from_address(region.frames)
            for paged in range(min(region.end >> 12, FRAMES)):
                if unlikely(frames[paged] >> 12 == page):
                    forget_in(context, paged, codes)


def forget_in(context: Context, page: u32, codes: bool) -> None:
    """The same for one processor, and a physical page number of its own."""
    kernel = context.kernel_codes if codes else context.kernel_writes
    user = context.user_codes if codes else context.user_writes
    if page <= r.UNMAPPED_MASK >> 12:
        empty(kernel, (page | r.KSEG0 >> 12) % VIRTUAL_PAGES)
        empty(kernel, (page | r.KSEG1 >> 12) % VIRTUAL_PAGES)
    if page < context.window_size >> 12:
        empty(kernel, (page + (context.window_base >> 12)) % VIRTUAL_PAGES)
    if PROFILE.has_tlb:
        state = context.processor
        for entry in range(TLB_SIZE):
            virtual = state.tlb_entry_hi[entry] >> 12
            if state.tlb_entry_lo[entry] >> 12 == page and is_mapped(virtual):
                empty(kernel, virtual)
                empty(user, virtual)
    else:
        empty(kernel, page % VIRTUAL_PAGES)
        empty(user, page % VIRTUAL_PAGES)


# Giving up.


def materialise(context: Context) -> None:
    """Write the place at which the processor stopped in the ring into its state."""
    state = context.processor
    if context.resume == RESUME_UNKNOWN:
        return
    state.clock = context.limit
    state.pc = pc_of(context, context.resume_entry)
    state.in_delay_slot = context.resume == RESUME_SLOT
    state.next_pc = 0
    if context.resume == RESUME_SLOT:
        target = context.resume_target
        deferred = target == ctypes.addressof(context.go)
        state.next_pc = context.target_pc if deferred else pc_of(context, target)


def pc_of(context: Context, entry: u64) -> u32:
    """The virtual address of the instruction whose entry is at an address."""
    return u32((entry >> 2) + context.bias)


def give_up(engine: Shared, page: CodePage) -> None:
    """Forget a code page and put it on the free list."""
    forget(engine, u32(page.physical >> 12), codes=True)
    for number in range(min(engine.context_count, MAX_PROCESSORS)):
        context = Context.from_address(engine.contexts[number])
        if context.next:
            materialise(context)
        context.resume = RESUME_UNKNOWN
    drop_if_translated(engine, page)
    set_code_page(engine, page.number, NOWHERE)
    page.next = engine.free
    engine.free = ctypes.addressof(page)


# Stores.


def store_into_code(context: Context, number: u64, physical: u64) -> bool:
    """A store is about to change physical memory: is its page decoded, and to stay so?"""
    engine = context.engine
    address = code_page_at(engine, number)
    if address == NOWHERE:
        return False
    page = CodePage.from_address(address)
    page.stores += 1
    place = physical % PAGE // 4
    if is_covered(page, place):
        drop_if_translated(engine, page)
    # Data beside code that is worth a translation is no reason to lose that.
    many = page.stores > STORES_UNTIL_DATA and page.translated == 0
    if unlikely(many and address != context.code_page):
        give_up(engine, page)
        return False
    reset_entry(engine, page.entries[place])
    # The handlers of the next entries may count on what this one leaves in the accumulator. Where
    # a translation that does not concern this one begins, nothing counts on it.
    for distance in range(1, NOPS_LOOKED_THROUGH + 2):
        following = page.entries[place + distance]
        if place + distance < ENTRIES and following.operation != TRANSLATED:
            reset_entry(engine, following)
    return True


# Making.


def make_code_page(context: Context, region: RegionEntry, physical: u64) -> pointer:
    """The address of a code page, all of it still to be decoded, for the page of an address."""
    engine = context.engine
    if unlikely(engine.free == NOWHERE and engine.pool_next >= engine.pool_end):
        # Everything is given up except the page that is being executed.
        at: u64 = engine.pool
        while at < engine.pool_end:
            if at != context.code_page:
                give_up(engine, CodePage.from_address(at))
            at = u64(at + CODE_PAGE_STRIDE)
    chosen: u64 = engine.free
    if chosen == NOWHERE:
        chosen = engine.pool_next
        engine.pool_next += CODE_PAGE_STRIDE
    else:
        engine.free = CodePage.from_address(chosen).next
    page = CodePage.from_address(chosen)
    for place in range(ENTRIES):
        reset_entry(engine, page.entries[place])
    for place in range(ENTRIES, ENTRIES + SENTINELS):
        page.entries[place].handler = engine.handlers[SENTINEL]
        page.entries[place].operation = SENTINEL
    begin = physical & ~(PAGE - 1)
    number = page_number(region, begin)
    page.host = host_address(region, begin)
    page.number = number
    page.physical = begin
    page.stores = 0
    clear_translated(page)
    set_code_page(engine, number, chosen)
    forget(engine, u32(begin >> 12), codes=False)
    return chosen


def slow_fetch(context: Context, pc: u32) -> pointer:
    """The code page for a virtual address in the present mode, entered into the code table; or
    NOWHERE after noting the exception."""
    translated = translate(context, pc, 4, pc, FETCH)
    if translated == NO_ADDRESS:
        return NOWHERE
    found = find_region(context, u64(translated))
    if found == NOWHERE:
        fault(context, ExceptionCode.INSTRUCTION_BUS_ERROR, 0, 0)
        return NOWHERE
    guest = RegionEntry.from_address(found)
    region = hardware_region(context, guest)
    physical = hardware_address(guest, u64(translated))
    if not region.flags & EXECUTABLE or not holds_whole_page(region, physical):
        fault(context, ExceptionCode.INSTRUCTION_BUS_ERROR, 0, 0)
        return NOWHERE
    address: u64 = code_page_at(context.engine, page_number(region, physical))
    if address == NOWHERE:
        address = make_code_page(context, region, physical)
    PageTable.from_address(context.codes)[pc >> 12] = address
    return address


# Changes that the guest did not make; the engine is not running.


def memory_changed(context: Context, number: u64) -> None:
    """A page was changed, not by the guest: decode all of it again."""
    engine = context.engine
    address = code_page_at(engine, number)
    if address != NOWHERE:
        page = CodePage.from_address(address)
        drop_if_translated(engine, page)
        for place in range(ENTRIES):
            reset_entry(engine, page.entries[place])


def entry_changed(context: Context, which: u64) -> None:
    """One instruction of a page is to be decoded again, with another answer to whether there is a
    breakpoint: that at number `which` modulo ENTRIES in page `which` / ENTRIES."""
    engine, place = context.engine, which % ENTRIES
    address = code_page_at(engine, which // ENTRIES)
    if address != NOWHERE:
        page = CodePage.from_address(address)
        if is_covered(page, place):
            drop_if_translated(engine, page)
        reset_entry(engine, page.entries[place])
