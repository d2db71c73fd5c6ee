"""Translations in place: which there are, and how they come into the code pages and out of them."""

import ctypes
from collections.abc import Callable
from typing import NamedTuple

from kseg.engine.interpreter.layout import (
    CODE_PAGE_COVERED,
    CODE_PAGE_HEADS,
    CODE_PAGE_HOST,
    CODE_PAGE_ORIGINALS,
    CODE_PAGE_TRANSLATED,
    ENTRY_OPERATION,
    ENTRY_SIZE,
    PAGE_END,
    TRANSLATED,
    TRANSLATION_PAGES,
    TRANSLATIONS,
    Shared,
    TranslationRecord,
)
from kseg.engine.translator.arena import Arena
from kseg.engine.translator.compilation.messages import Translation
from kseg.platform.code import NativeCodeError


class Installed(NamedTuple):
    """A translation that is in place."""

    number: int
    translation: Translation
    code_pages: tuple[int, ...]


class Installation:
    """Puts translations into code pages. Only while no guest code runs."""

    def __init__(
        self, shared: Shared, context: int, drop: Callable[[int, int], None], arena: Arena
    ) -> None:
        """`context` is the address of any processor's context; `drop` the interpreter's native
        function that takes a translation out."""
        self._shared, self._context, self._drop, self._arena = shared, context, drop, arena
        records = TranslationRecord * TRANSLATIONS
        self._records = records.from_address(shared.translations)
        self._free = list(range(TRANSLATIONS - 1, 0, -1))
        self._seen_dropped = 0
        self._in_place: set[tuple[int, tuple[int, ...]]] = set()
        self.installed: dict[int, Installed] = {}
        self.dropped = 0
        """How many the guest's own stores have made void."""
        self.evicted = 0
        """How many had to make room."""

    @property
    def code_bytes(self) -> int:
        """Native code in place, in bytes."""
        return sum(len(each.translation.code) for each in self.installed.values())

    @property
    def instructions(self) -> int:
        """Guest instructions that it was made from."""
        return sum(each.translation.instructions for each in self.installed.values())

    def install(self, translation: Translation, code_pages: dict[int, int]) -> int:
        """Put a translation in place; `code_pages` gives the code page of each of its virtual
        pages. Returns its number, or 0, and nothing installed, if the guest code is no longer what
        it was made from, or the host has no memory for it."""
        pages = [code_pages.get(page, 0) for page in translation.pages]
        if not all(pages) or len(pages) > TRANSLATION_PAGES:
            return 0
        if not all(
            self._is_current(source.pc, source.content, code_pages)
            for source in translation.sources
        ):
            return 0
        # Looked at now, for what makes room may begin at the same places.
        heads = [
            (head, operation)
            for head in translation.heads
            if (operation := self._own_operation(head.pc, code_pages[head.pc >> 12])) != PAGE_END
        ]
        if not heads or len(translation.code) > self._arena.size:
            return 0
        self.collect()
        while not self._free:
            self.remove(next(iter(self.installed)))
            self.evicted += 1
        for number in self._arena.make_room(len(translation.code)):
            self.remove(number)
            self.evicted += 1
        number = self._free.pop()
        code = bytearray(translation.code)
        for index, page in enumerate(pages):
            at = translation.pages_offset + 8 * index
            code[at : at + 8] = page.to_bytes(8, "little")
        try:
            address = self._arena.put(number, bytes(code))
        except NativeCodeError:  # the host can run out of what it needs for that
            self._free.append(number)
            return 0
        record = self._records[number]
        record.pages[:] = pages + [0] * (TRANSLATION_PAGES - len(pages))
        self._shared.translations_used = max(self._shared.translations_used, number + 1)
        self._cover(translation, code_pages)
        for head, operation in heads:
            page = code_pages[head.pc >> 12]
            self._begin(head.pc >> 2 & 1023, page, operation, number, address + head.offset)
        self.installed[number] = Installed(number, translation, tuple(pages))
        self._in_place.add((id(translation), tuple(pages)))
        return number

    def has(self, translation: Translation, code_pages: dict[int, int]) -> bool:
        """Is this very one in place, in these code pages?"""
        pages = tuple(code_pages.get(page, 0) for page in translation.pages)
        return (id(translation), pages) in self._in_place

    def _is_current(self, pc: int, content: bytes, code_pages: dict[int, int]) -> bool:
        host = _u64(code_pages[pc >> 12] + CODE_PAGE_HOST).value
        return ctypes.string_at(host + (pc & 0xFFF), len(content)) == content

    @staticmethod
    def _own_operation(pc: int, page: int) -> int:
        """The operation of an instruction, also where a translation begins."""
        index = pc >> 2 & 1023
        operation = _u8(page + index * ENTRY_SIZE + ENTRY_OPERATION).value
        if operation == TRANSLATED:
            operation = _u8(page + CODE_PAGE_ORIGINALS + index).value
        return operation

    @staticmethod
    def _cover(translation: Translation, code_pages: dict[int, int]) -> None:
        for source in translation.sources:
            page = code_pages[source.pc >> 12]
            _u64(page + CODE_PAGE_TRANSLATED).value = 1
            covered = (ctypes.c_uint8 * 128).from_address(page + CODE_PAGE_COVERED)
            first = source.pc >> 2 & 1023
            for index in range(first, first + len(source.content) // 4):
                covered[index >> 3] |= 1 << (index & 7)

    @staticmethod
    def _begin(index: int, page: int, operation: int, number: int, address: int) -> None:
        entry = page + index * ENTRY_SIZE
        _u8(page + CODE_PAGE_ORIGINALS + index).value = operation
        _u8(entry + ENTRY_OPERATION).value = TRANSLATED
        ctypes.c_uint16.from_address(page + CODE_PAGE_HEADS + 2 * index).value = number
        _u64(entry).value = address

    def remove(self, number: int) -> None:
        """Take a translation out and give its memory back."""
        self._drop(self._context, number)
        self._forget([number])

    def remove_all(self) -> None:
        """Take out all that there are."""
        for number in list(self.installed):
            self.remove(number)

    def collect(self) -> list[Installed]:
        """Give back what native code has dropped since the last time; returns it."""
        if self._shared.translations_dropped == self._seen_dropped:
            return []
        self._seen_dropped = self._shared.translations_dropped
        gone = [
            each for number, each in self.installed.items() if not any(self._records[number].pages)
        ]
        self._forget([each.number for each in gone])
        self.dropped += len(gone)
        return gone

    def _forget(self, numbers: list[int]) -> None:
        pages: set[int] = set()
        for number in numbers:
            self._arena.free(number)
            gone = self.installed.pop(number)
            self._in_place.discard((id(gone.translation), gone.code_pages))
            pages.update(gone.code_pages)
            self._free.append(number)
        for page in pages:
            self._uncover(page)

    def _uncover(self, page: int) -> None:
        """A code page is covered only by what is installed now, whatever belonged to it before."""
        _u64(page + CODE_PAGE_TRANSLATED).value = 0
        ctypes.memset(page + CODE_PAGE_COVERED, 0, CODE_PAGE_HEADS - CODE_PAGE_COVERED)
        for each in self.installed.values():
            if page in each.code_pages:
                numbers = each.translation.pages
                self._cover(each.translation, dict(zip(numbers, each.code_pages, strict=True)))

    def is_covered(self, pc: int, page: int) -> bool:
        """Is the instruction part of a translation?"""
        index = pc >> 2 & 1023
        return bool(_u8(page + CODE_PAGE_COVERED + (index >> 3)).value >> (index & 7) & 1)

    def covering(self, pc: int, page: int) -> Installed | None:
        """The latest translation of the instruction in a code page, if there is one."""
        for each in reversed(self.installed.values()):
            if page in each.code_pages:
                for source in each.translation.sources:
                    if source.pc <= pc < source.pc + len(source.content):
                        return each
        return None


def _u64(address: int) -> ctypes.c_uint64:
    return ctypes.c_uint64.from_address(address)


def _u8(address: int) -> ctypes.c_uint8:
    return ctypes.c_uint8.from_address(address)
