"""What sections of DWARF 2 to 5 are made of: units, numbers, values in forms (DWARF 5, section 7).

A strict reader of our own: for the reasons, see docs/decisions/line-tables.md.
"""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

LONGEST_NAME = 512
"""Bytes of a name that stands in a section of strings."""

Value = int | str | bytes

_ADDRESS, _STRING, _INDIRECT, _SLEB = 0x01, 0x08, 0x16, 0x0D
STRP, LINE_STRP, FLAG_PRESENT, IMPLICIT = 0x0E, 0x1F, 0x19, 0x21
_FIXED = {
    0x05: 2, 0x06: 4, 0x07: 8, 0x0B: 1, 0x0C: 1, 0x11: 1, 0x12: 2, 0x13: 4, 0x14: 8, 0x1C: 4,
    0x1E: 16, 0x20: 8, 0x24: 8, 0x25: 1, 0x26: 2, 0x27: 3, 0x28: 4, 0x29: 1, 0x2A: 2, 0x2B: 3,
    0x2C: 4,
}  # fmt: skip
"""Bytes of the forms that always have as many."""
_REFERENCE = 0x10
_OFFSETS = frozenset([_REFERENCE, 0x17, 0x1D])
"""Forms of an offset into a section."""
_ULEB = frozenset([0x0F, 0x15, 0x1A, 0x1B, 0x22, 0x23])
_BLOCKS = {0x03: 2, 0x04: 4, 0x0A: 1}
"""Bytes of a block's length."""
_ULEB_BLOCKS = frozenset([0x09, 0x18])


class Damaged(Exception):
    """The data do not follow the format."""


class Cursor:
    """Reads numbers from bytes; Damaged beyond the end."""

    def __init__(
        self, data: bytes, order: Literal["big", "little"], place: int = 0, end: int | None = None
    ) -> None:
        self.data, self.order, self.place = data, order, place
        self.end = len(data) if end is None else end

    def take(self, length: int) -> bytes:
        begin, self.place = self.place, self.place + length
        if self.place > self.end:
            raise Damaged("cut short")
        return self.data[begin : self.place]

    def number(self, length: int) -> int:
        return int.from_bytes(self.take(length), self.order)

    def uleb(self) -> int:
        value = shift = 0
        while True:
            byte = self.number(1)
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value
            if shift > 70:
                raise Damaged("a number of more than 64 bits")

    def sleb(self) -> int:
        begin = self.place
        value = self.uleb()
        sign = 1 << (7 * (self.place - begin) - 1)
        return (value ^ sign) - sign

    def string(self) -> str:
        end = self.data.find(b"\0", self.place, self.end)
        if end < 0:
            raise Damaged("a string without an end")
        begin, self.place = self.place, end + 1
        return self.data[begin:end].decode("utf-8", "replace")


class Unit(NamedTuple):
    """One unit of a section: where it begins; a cursor behind its version, which ends with it; and
    how wide offsets into sections are in it."""

    offset: int
    cursor: Cursor
    version: int
    width: int


def units(data: bytes, order: Literal["big", "little"]) -> Iterator[Unit]:
    """The units of versions that are known; Damaged where one has another length than it says."""
    place = 0
    while place + 4 <= len(data):
        cursor = Cursor(data, order, place)
        length, width = cursor.number(4), 4
        if length == 0xFFFFFFFF:
            length, width = cursor.number(8), 8
        end = cursor.place + length
        if end > len(data):
            raise Damaged("cut short")
        cursor.end = end
        version = cursor.number(2)
        if 2 <= version <= 5:
            yield Unit(place, cursor, version, width)
        place = end


def string_at(section: bytes, place: int) -> str:
    return section[place : place + LONGEST_NAME].partition(b"\0")[0].decode("utf-8", "replace")


class Forms:
    def __init__(
        self, strings: Mapping[int, bytes], version: int, width: int, address_size: int = 4
    ) -> None:
        """`strings` are the sections of strings, by the forms of offsets into them."""
        self._strings, self._width, self._address_size = strings, width, address_size
        self._reference = address_size if version < 3 else width

    def read(self, cursor: Cursor, form: int, implicit: int = 0) -> Value:
        """The next value; Damaged for an unknown form. An `implicit` one stands elsewhere."""
        if form in _FIXED:
            return cursor.number(_FIXED[form])
        if form in self._strings:
            return string_at(self._strings[form], cursor.number(self._width))
        if form in _OFFSETS:
            return cursor.number(self._reference if form == _REFERENCE else self._width)
        if form in _ULEB:
            return cursor.uleb()
        if form == _SLEB:
            return cursor.sleb()
        if form == _ADDRESS:
            return cursor.number(self._address_size)
        if form == _STRING:
            return cursor.string()
        if form == FLAG_PRESENT:
            return 1
        if form == IMPLICIT:
            return implicit
        if form in _BLOCKS:
            return cursor.take(cursor.number(_BLOCKS[form]))
        if form in _ULEB_BLOCKS:
            return cursor.take(cursor.uleb())
        if form == _INDIRECT:
            inner = cursor.uleb()
            if inner in (_INDIRECT, IMPLICIT):
                raise Damaged("a form of a form")
            return self.read(cursor, inner)
        raise Damaged(f"a value in an unknown form {form:#x}")
