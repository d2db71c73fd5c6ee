"""Dropping translations: when an instruction that one was made from may have changed.

The code of a translation is not freed here; it is only not entered any more.
"""

import ctypes
from typing import Annotated, TypeAlias

from kseg.engine.codegen.typed import below, u8, u32, u64, unlikely
from kseg.engine.interpreter.layout import (
    BREAKPOINT,
    CODE_PAGE_STRIDE,
    ENTRIES,
    ENTRY_SIZE,
    PAGE_END,
    PREDECODE,
    TRANSLATION_PAGES,
    CodePage,
    Context,
    Entry,
    Shared,
    TranslationRecord,
)
from kseg.engine.interpreter.runtime.specialisation import PROFILE

Place: TypeAlias = Annotated[int, below(ENTRIES)]
"""The number of an instruction in its page."""
LAST_BUT_ONE = ENTRIES - 2
"""Where a processor with early fetch faults looks at the next page."""


def place_of(entry: Entry) -> Place:
    """The number of an entry in its page."""
    return ctypes.addressof(entry) % CODE_PAGE_STRIDE // ENTRY_SIZE % ENTRIES


def reset_entry(engine: Shared, entry: Entry) -> None:
    """Make an entry decode its instruction anew when it is next executed."""
    place = place_of(entry)
    ends = PROFILE.early_fetch_faults and place == LAST_BUT_ONE
    operation: u8 = PAGE_END if ends else PREDECODE
    if engine.breakpoint_places[place >> 6] >> (place & 63) & 1:
        operation = BREAKPOINT
    entry.handler = engine.handlers[operation]
    entry.operation = operation


def is_covered(page: CodePage, place: Place) -> bool:
    """May a translation depend on an instruction of the page?"""
    return bool(page.covered[place >> 3] >> (place & 7) & 1)


def drop_if_translated(engine: Shared, page: CodePage) -> None:
    """Drop every translation that covers something of the page."""
    if unlikely(page.translated != 0):
        drop_page(engine, page)


def clear_translated(page: CodePage) -> None:
    """Note that no translation covers anything of the page."""
    page.translated = 0
    for byte in range(ENTRIES // 8):
        page.covered[byte] = 0


def record_of(engine: Shared, number: u64) -> TranslationRecord:
    """A translation."""
    where = engine.translations + ctypes.sizeof(TranslationRecord) * number
    return TranslationRecord.from_address(u64(where))


def drop_translation(context: Context, number: u64) -> None:
    """Take a translation out of every page: its code is not entered any more."""
    remove(context.engine, number)


def remove(engine: Shared, number: u64) -> None:
    """See `drop_translation`."""
    record = record_of(engine, number)
    for index in range(TRANSLATION_PAGES):
        address = record.pages[index]
        record.pages[index] = 0
        if address:
            page = CodePage.from_address(address)
            for place in range(ENTRIES):
                if unlikely(page.heads[place] == number % (1 << 16)):
                    page.heads[place] = 0
                    reset_entry(engine, page.entries[place])


def drop_page(engine: Shared, page: CodePage) -> None:
    """Drop every translation that covers something of a page."""
    for number in range(u32(engine.translations_used)):
        record = record_of(engine, number)
        for index in range(TRANSLATION_PAGES):
            if unlikely(record.pages[index] == ctypes.addressof(page)):
                remove(engine, number)
                engine.translations_dropped += 1
                break
    clear_translated(page)
