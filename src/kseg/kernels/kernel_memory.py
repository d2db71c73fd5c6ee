"""A kernel's own memory: words, texts, members of structures, and searches through RAM."""

import sys
from array import array
from collections.abc import Container, Iterator
from itertools import islice

from kseg.inspection.machine import InspectedMachine
from kseg.isa.registers import KSEG0
from kseg.isa.values import WORD
from kseg.memory.pages import PAGE_SIZE
from kseg.memory.physical import MemoryRangeError
from kseg.symbols.types import Structure
from kseg.unwind.guest_memory import GuestMemory

MOST_SEARCHED = 64 << 20
"""Bytes of RAM, from its beginning."""
MOST_FOUND = 20_000
"""Words that a search finds."""
LONGEST_TEXT = 80
_ZEROS = bytes(PAGE_SIZE)


class KernelMemory(GuestMemory):
    """Memory from `lowest` on, where the kernel is linked: not that of programs, of which only the
    one that a processor executes is mapped."""

    def __init__(self, machine: InspectedMachine, lowest: int = KSEG0) -> None:
        super().__init__(machine, 0)
        self._lowest = lowest

    def _read_page(self, address: int) -> bytes | None:
        return None if address < self._lowest else super()._read_page(address)

    def number(self, address: int) -> int:
        """The word at an address; 0 where none is."""
        return self.word(address & WORD) or 0

    def member(self, structure: Structure, address: int, name: str) -> int:
        """A member of at most a word; 0 where no memory is. KeyError where there is no such
        member."""
        member = structure.member(name)
        where = address + member.offset & WORD
        if member.type.size in (1, 2):
            return int.from_bytes(self.read(where, member.type.size) or b"", self.byte_order)
        return self.number(where)

    def text(self, address: int, most: int = LONGEST_TEXT) -> str | None:
        """The text at an address, if it is one: printable, with an end."""
        data = b""
        while len(data) < most:
            part = self.read(address + len(data) & WORD, most - len(data))
            if not part:
                return None
            end = part.find(b"\0")
            data += part if end < 0 else part[:end]
            if end >= 0:
                break
        else:
            return None
        text = data.decode("utf-8", "replace")
        return text if text.isprintable() and "\ufffd" not in text else None

    @property
    def is_searched_whole(self) -> bool:
        """Whether searches go through all of RAM."""
        return self._physical.ram.size <= MOST_SEARCHED

    def _ram_pages(self) -> Iterator[tuple[int, "array[int]"]]:
        """Virtual addresses of pages, and their words; those that are all zero are left out."""
        for place in range(0, min(self._physical.ram.size, MOST_SEARCHED), PAGE_SIZE):
            try:
                data = self._physical.read(place, PAGE_SIZE)
            except MemoryRangeError:
                continue
            if data != _ZEROS:
                words = array("I", data)
                if self.byte_order != sys.byteorder:
                    words.byteswap()
                yield KSEG0 + place, words

    def pointing_to_before(self, distance: int) -> list[int]:
        """Where words are that are their own address less `distance`; what they say."""
        found = []
        for base, words in self._ram_pages():
            start = base - distance
            found += [word for number, word in enumerate(words) if word == start + 4 * number]
            if len(found) >= MOST_FOUND:
                break
        return found

    def holding(self, values: Container[int]) -> list[tuple[int, int]]:
        """Addresses of all words that are one of some values, and which."""
        every = (
            (base + 4 * number, word)
            for base, words in self._ram_pages()
            for number, word in enumerate(words)
            if word in values
        )
        return list(islice(every, MOST_FOUND))
