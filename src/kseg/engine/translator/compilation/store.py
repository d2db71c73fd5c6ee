"""Translations that survive the process: in the cache directory, found by where their code lies.

A file holds the translations for one virtual page, for one processor profile, byte order, kind of
host processor and version of kseg. Each comes with the guest bytes that it was made from, and is
used only where those are found again; so one kernel's translations serve every boot of it, and
all programs that are linked at the same address share a file.
"""

import math
import os
from contextlib import suppress

import msgspec

from kseg.engine.codegen import cache
from kseg.engine.interpreter.layout import TRANSLATION_PAGES
from kseg.engine.translator.compilation.keys import key_for
from kseg.engine.translator.compilation.messages import Source, Translation

KIND = "translations"
MOST_BYTES = 64 << 20
"""Of all files together; those not used for longest go."""
MOST_IN_A_PAGE = 64

_decoder = msgspec.msgpack.Decoder(list[Translation])


class Store:
    """The kept translations for one processor profile and byte order."""

    def __init__(self, profile_name: str, byte_order: str) -> None:
        """Warns if nothing can be kept: the compile server, which writes, is not heard."""
        self._key = key_for(profile_name, byte_order)
        cache.is_usable()
        self._names: set[str] | None = None

    def find(self, page: int) -> list[Translation]:
        """Those whose seed lay in a virtual page, the newest first; [] if there are none, or the
        file is damaged, foreign or not only ours to write."""
        if self._names is None:
            self._names = set()
            with suppress(OSError):
                self._names = set(os.listdir(cache.directory()))  # noqa: PTH208 - names suffice
        key = self._of_page(page)
        if f"{KIND}-{key}" not in self._names:
            return []
        found = self._read(key)
        if found:
            with suppress(OSError):
                os.utime(cache.directory() / f"{KIND}-{key}")
        return found

    def add(self, page: int, translation: Translation) -> None:
        """Keep one; what it replaces goes."""
        key = self._of_page(page)
        starts = {head.pc for head in translation.heads}
        others = [
            kept
            for kept in self._read(key)
            if kept.sources != translation.sources or starts != {head.pc for head in kept.heads}
        ]
        content = msgspec.msgpack.encode([translation, *others[: MOST_IN_A_PAGE - 1]])
        cache.write(KIND, key, content, MOST_BYTES)

    def _of_page(self, page: int) -> str:
        return f"{self._key}-{page:05x}"

    @staticmethod
    def _read(key: str) -> list[Translation]:
        content = cache.read(KIND, key)
        if content is None:
            return []
        try:
            return [kept for kept in _decoder.decode(content) if is_sound(kept)]
        except msgspec.MsgspecError:
            return []


def is_sound(translation: Translation) -> bool:
    """Do the numbers of a translation fit each other? One of which they do not would read, write
    or execute what is not its own, or stay when the guest changes its code."""
    size, pages = len(translation.code), translation.pages
    table = range(translation.pages_offset, translation.pages_offset + 8 * len(pages))
    if not all(_is_in_one_page(source) for source in translation.sources):
        return False
    sources = {
        pc
        for source in translation.sources
        for pc in range(source.pc, source.pc + len(source.content), 4)
    }
    return (
        0 < len(pages) <= TRANSLATION_PAGES
        and len(set(pages)) == len(pages)
        and set(pages) == {pc >> 12 for pc in sources}
        and 0 <= table.start < table.stop <= size
        and bool(translation.heads)
        and len({head.pc for head in translation.heads}) == len(translation.heads)
        and all(head.pc in sources for head in translation.heads)
        and all(0 <= head.offset < size for head in translation.heads)
        and all(head.offset not in table for head in translation.heads)
        and 0 < translation.instructions <= len(sources)
        and translation.tier > 0
        and 0 <= translation.seconds < math.inf
    )


def _is_in_one_page(source: Source) -> bool:
    """Is it a run of whole instructions within a page of the address space?"""
    pc, length = source.pc, len(source.content)
    return 0 <= pc < 1 << 32 and not pc & 3 and not length & 3 and 0 < length <= 4096 - (pc & 0xFFF)
