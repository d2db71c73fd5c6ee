"""How to find a function's caller, as its compiler wrote it down: `.debug_frame` (DWARF 5, section
6.4), read with pyelftools."""

from bisect import bisect_right
from typing import Any, Literal, NamedTuple

from kseg.symbols.executable import CountingStream

RETURN_ADDRESS = 31
MOST_INSTRUCTIONS = 5000
"""Of the description of one function."""
MOST_REMEMBERED = 100_000
"""Answers."""


class CallFrame(NamedTuple):
    """Where a frame is at some address. The canonical frame address, the caller's stack pointer,
    is what register `base` holds plus `offset`; `saved` are offsets from there at which registers,
    by number, were saved."""

    base: int
    offset: int
    saved: dict[int, int]


class CallFrames:
    def __init__(self, data: bytes, byte_order: Literal["big", "little"]) -> None:
        """`data` is .debug_frame; what cannot be read is as if it were not there."""
        self.damage = ""
        self._descriptions: list[Any] = []
        if data:
            try:
                self._descriptions = _descriptions(data, byte_order)
            except Exception as error:  # whatever a library meets in a file that lies
                self.damage = f".debug_frame: {type(error).__name__}"
        self._starts = [each.header["initial_location"] for each in self._descriptions]
        self._found: dict[int, CallFrame | None] = {}

    def __len__(self) -> int:
        return len(self._descriptions)

    def at(self, address: int) -> CallFrame | None:
        """The frame when the instruction at `address` is the next one; None where nothing is
        known."""
        if address not in self._found:
            if len(self._found) >= MOST_REMEMBERED:
                self._found.clear()
            self._found[address] = self._find(address)
        return self._found[address]

    def _find(self, address: int) -> CallFrame | None:
        found = bisect_right(self._starts, address) - 1
        if found < 0:
            return None
        description = self._descriptions[found]
        if address >= self._starts[found] + description.header["address_range"]:
            return None
        if len(description.instructions) > MOST_INSTRUCTIONS:
            return None
        try:
            rows = description.get_decoded().table
            row = [each for each in rows if each["pc"] <= address][-1]
            return _frame(row)
        except Exception:  # as above
            return None


def _descriptions(data: bytes, byte_order: str) -> list[Any]:
    from elftools.dwarf.callframe import FDE, CallFrameInfo
    from elftools.dwarf.structs import DWARFStructs

    structs = DWARFStructs(byte_order == "little", 32, 4)
    entries = CallFrameInfo(CountingStream(data), len(data), 0, structs).get_entries()
    found = [each for each in entries if isinstance(each, FDE)]
    found.sort(key=lambda each: int(each.header["initial_location"]))
    return found


def _frame(row: dict[Any, Any]) -> CallFrame | None:
    base = row["cfa"]
    if base.expr is not None or not 0 <= base.reg < 32:
        return None
    saved = {
        number: rule.arg
        for number, rule in row.items()
        if isinstance(number, int) and number < 32 and rule.type == "OFFSET"
    }
    return CallFrame(base.reg, base.offset, saved)
