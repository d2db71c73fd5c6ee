"""Code pages as Python reads them: what has been executed, and where it may lead."""

import ctypes
import struct
from typing import TYPE_CHECKING

from kseg.engine.interpreter.layout import (
    CODE_PAGE_HOST,
    CODE_PAGE_NUMBER,
    CODE_PAGE_PHYSICAL,
    ENTRIES,
    ENTRY_OPERATION,
    ENTRY_SIZE,
    PAGE,
    PREDECODE,
    Context,
    Shared,
)

if TYPE_CHECKING:
    from kseg.engine.translator.compilation.messages import Page

_EXECUTED = bytes([operation != PREDECODE for operation in range(256)])
_JUMPS = (2, 3)
"""Major opcodes of j and jal, which lead to other pages."""

MOST_CANDIDATES = 16


class CodePages:
    """The code pages of one machine."""

    def __init__(self, shared: Shared, byte_order: str) -> None:
        self._shared = shared
        self._layout = (">" if byte_order == "big" else "<") + f"{ENTRIES}I"

    @property
    def turn(self) -> int:
        """The cycles of a processor's turn, where several run."""
        quantum: int = self._shared.quantum
        return quantum

    @staticmethod
    def at(context: Context, page: int) -> int:
        """The code page for a virtual page number in the processor's present mode and address
        space, or 0 if nothing was executed there lately."""
        return _u64(context.codes + 8 * page)

    def identity(self, code_page: int) -> tuple[int, int]:
        """What tells whether a code page still belongs to the same physical page."""
        return _u64(code_page + CODE_PAGE_NUMBER), _u64(code_page + CODE_PAGE_PHYSICAL)

    def is_alive(self, code_page: int, identity: tuple[int, int]) -> bool:
        """Does it still?"""
        if self.identity(code_page) != identity:
            return False
        return _u64(self._shared.code_page_of + 8 * identity[0]) == code_page

    @staticmethod
    def content(code_page: int, pc: int, length: int) -> bytes:
        """So much of the guest's memory at `pc`, in the page to which a code page belongs."""
        return ctypes.string_at(_u64(code_page + CODE_PAGE_HOST) + (pc & PAGE - 1), length)

    def read(self, number: int, code_page: int) -> "Page":
        """The page as a translation is made from it."""
        from kseg.engine.translator.compilation.messages import Page

        content = self.content(code_page, 0, PAGE)
        entries = ctypes.string_at(code_page, ENTRIES * ENTRY_SIZE)
        return Page(number, content, entries[ENTRY_OPERATION::ENTRY_SIZE].translate(_EXECUTED))

    def around(
        self, context: Context, seed: int, jumps: dict[int, list[int]]
    ) -> "tuple[list[Page], dict[int, int]]":
        """The seed's page and those that control leads to from there, nearest first; and the code
        pages by virtual page number."""
        pages: list[Page] = []
        found: dict[int, int] = {}
        queue = [seed >> 12]
        by_page: dict[int, list[int]] = {}
        for origin, targets in jumps.items():
            by_page.setdefault(origin >> 12, []).extend(target >> 12 for target in targets)
        while queue and len(pages) < MOST_CANDIDATES:
            number = queue.pop(0)
            if number in found:
                continue
            code_page = self.at(context, number)
            if not code_page:
                continue
            found[number] = code_page
            page = self.read(number, code_page)
            pages.append(page)
            queue += by_page.get(number, [])
            queue += self._leads_to(page)
        return pages, found

    def _leads_to(self, page: "Page") -> list[int]:
        words = struct.unpack(self._layout, page.content)
        window = page.number << 12 & 0xF0000000
        targets = {
            (window | (word & 0x3FFFFFF) << 2) >> 12
            for word, executed in zip(words, page.executed, strict=True)
            if executed and word >> 26 in _JUMPS
        }
        targets.discard(page.number)
        found = sorted(targets)
        if page.executed[ENTRIES - 1]:
            found.append(page.number + 1)
        return found


def _u64(address: int) -> int:
    return ctypes.c_uint64.from_address(address).value
