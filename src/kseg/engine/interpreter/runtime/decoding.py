"""Decoding: an instruction becomes an entry of its code page, when it is first executed."""

import ctypes

from kseg.engine.codegen.typed import pointer, swapped, u8, u32, u64, unlikely
from kseg.engine.interpreter.layout import (
    BREAKPOINT,
    CODE_PAGE_STRIDE,
    DISCARD,
    EXECUTABLE,
    FETCH,
    NOP,
    OPERATIONS,
    RESERVED,
    TRACED,
    TRANSLATED,
    CodePage,
    Context,
    Entry,
    Pattern,
    RegionEntry,
)
from kseg.engine.interpreter.runtime.address_translation import (
    NO_ADDRESS,
    NOWHERE,
    find_region,
    hardware_address,
    hardware_region,
    host_address,
    translate,
)
from kseg.engine.interpreter.runtime.code_pages import NOPS_LOOKED_THROUGH
from kseg.engine.interpreter.runtime.invalidation import LAST_BUT_ONE, place_of
from kseg.engine.interpreter.runtime.specialisation import BIG_ENDIAN, PROFILE


def word_at(host: pointer) -> u32:
    """The instruction at a host address."""
    word = ctypes.c_uint32.from_address(host).value
    return swapped(word) if BIG_ENDIAN else u32(word)


def page_of(entry: Entry) -> CodePage:
    """The code page that has an entry."""
    return CodePage.from_address(ctypes.addressof(entry) & ~(CODE_PAGE_STRIDE - 1))


def peek(context: Context, pc: u32) -> u32:
    """The instruction at an address in the present mode, or 0 if it cannot be fetched."""
    translated = translate(context, pc, 4, pc, FETCH)
    if translated == NO_ADDRESS:
        return 0
    found = find_region(context, u64(translated))
    if found == NOWHERE:
        return 0
    guest = RegionEntry.from_address(found)
    region = hardware_region(context, guest)
    if not region.flags & EXECUTABLE:
        return 0
    return word_at(host_address(region, hardware_address(guest, u64(translated))))


def find_pattern(context: Context, word: u32) -> pointer:
    """The address of the decoder's row for an instruction, or NOWHERE if it is none."""
    engine, major = context.engine, word >> 26
    for number in range(engine.pattern_starts[major], engine.pattern_starts[major + 1]):
        row = u64(engine.patterns + ctypes.sizeof(Pattern) * number)
        pattern = Pattern.from_address(row)
        if word & pattern.mask == pattern.match:
            return row
    return NOWHERE


def written_before(context: Context, entry: Entry) -> u32:
    """The register (1 to 31) whose new value is in the accumulator when control comes to this
    entry from the one before, or 0 if there is none. Nops pass the accumulator on."""
    place, host = place_of(entry), page_of(entry).host
    for distance in range(1, NOPS_LOOKED_THROUGH + 2):
        if distance > place:
            return 0
        word = word_at(u64(host + 4 * (place - distance)))
        if word:
            return register_written(context, word)
    return 0


def register_written(context: Context, word: u32) -> u32:
    """The register whose new value the handler of an instruction passes on, or 0."""
    row = find_pattern(context, word)
    if row == NOWHERE:
        return 0
    result = Pattern.from_address(row).destination >> 8
    if result == 1:
        return word >> 16 & 31
    return word >> 11 & 31 if result == 2 else 0


def decode(context: Context, entry: Entry) -> u32:
    """Fill in an entry from its instruction; the result is the operation.

    The handler in the entry is for coming from the entry before, which may have left in the
    accumulator what this one reads. Control that comes from elsewhere goes by the operation.
    """
    engine, place, page = context.engine, place_of(entry), page_of(entry)
    word = word_at(u64(page.host + 4 * place))
    s, t, d = word >> 21 & 31, word >> 16 & 31, word >> 11 & 31
    operation: u8 = RESERVED
    redirected: u32 = 0
    row = find_pattern(context, word)
    if row != NOWHERE:
        pattern = Pattern.from_address(row)
        operation = pattern.operation % OPERATIONS
        redirected = pattern.destination & 0xFF
    entry.word = word
    entry.s = s << 2
    entry.t = DISCARD if redirected == 1 and t == 0 else t << 2
    entry.d = DISCARD if redirected == 2 and d == 0 else d << 2
    if unlikely(engine.trace_jumps != 0) and engine.jumping[operation]:
        operation = engine.jumping[operation]
    if unlikely(engine.trace_instructions != 0):
        page.originals[place] = operation
        operation = TRACED
    if PROFILE.early_fetch_faults and place == LAST_BUT_ONE:
        return operation  # which looks at the next page first, however it is reached
    if entry.operation == BREAKPOINT:
        return operation  # which is to be looked at each time
    if entry.operation == TRANSLATED:
        # The entry leads into a translation, which has asked for the instruction itself.
        page.originals[place] = operation
        return operation
    entry.operation = operation
    handler: u64 = engine.s_handlers[NOP] if operation == NOP else engine.handlers[operation]
    written = written_before(context, entry)
    if written and t == written and engine.t_handlers[operation]:
        handler = engine.t_handlers[operation]
    if written and s == written and engine.s_handlers[operation]:
        handler = engine.s_handlers[operation]
    entry.handler = handler
    return operation
