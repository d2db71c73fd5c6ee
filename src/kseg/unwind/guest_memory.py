"""A guest's memory as a back-trace reads it: at a processor's virtual addresses, page by page, and
never a device's registers."""

from typing import Literal

from kseg.inspection.machine import InspectedMachine
from kseg.memory.pages import PAGE_SIZE
from kseg.memory.physical import MemoryRangeError


class GuestMemory:
    """Memory as it is now: made for one inspection of a guest that stands."""

    def __init__(self, machine: InspectedMachine, processor: int) -> None:
        self.byte_order: Literal["big", "little"] = (
            "big" if machine.board.byte_order == "big" else "little"
        )
        self._virtual = machine.memory.virtual(processor)
        self._physical = machine.board.memory
        self._pages: dict[int, bytes | None] = {}

    def word(self, address: int) -> int | None:
        """The word at a virtual address, or None where no memory is, or no word can be."""
        if address & 3:
            return None
        page = self._page(address)
        offset = address % PAGE_SIZE
        return None if page is None else int.from_bytes(page[offset : offset + 4], self.byte_order)

    def read(self, address: int, length: int) -> bytes | None:
        """So many bytes, or fewer up to the end of the page; None where no memory is."""
        page = self._page(address)
        offset = address % PAGE_SIZE
        return None if page is None else page[offset : offset + length]

    def _page(self, address: int) -> bytes | None:
        number = address // PAGE_SIZE
        if number not in self._pages:
            self._pages[number] = self._read_page(number * PAGE_SIZE)
        return self._pages[number]

    def _read_page(self, address: int) -> bytes | None:
        try:
            return self._physical.read(self._virtual.physical(address), PAGE_SIZE)
        except (LookupError, MemoryRangeError):
            return None
