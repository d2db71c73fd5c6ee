"""Debug information entries: `.debug_info` and `.debug_abbrev`, DWARF 2 to 5 (DWARF 5, 7.5).

It takes a fifth of the time that pyelftools takes, and an abbreviation that claims a million
attributes which take no bytes costs no more than the budget.
"""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from kseg.symbols.dwarf import (
    IMPLICIT,
    LINE_STRP,
    STRP,
    Cursor,
    Damaged,
    Forms,
    Unit,
    Value,
    string_at,
    units,
)

MOST_ATTRIBUTES = 2_000_000
"""Attributes that are read of one program, at most."""
MOST_UNITS = 20_000
MOST_ABBREVIATIONS = 20_000
"""Of one unit."""

NAME, BYTE_SIZE = 0x03, 0x0B
LOW_PC, HIGH_PC, CONST_VALUE, UPPER_BOUND = 0x11, 0x12, 0x1C, 0x2F
ABSTRACT_ORIGIN, COUNT, MEMBER_LOCATION, DECLARATION = 0x31, 0x37, 0x38, 0x3C
SPECIFICATION, TYPE, RANGES = 0x47, 0x49, 0x55
STRING_OFFSETS_BASE, ADDRESS_BASE = 0x72, 0x73
_WANTED = frozenset(
    [
        NAME, BYTE_SIZE, LOW_PC, HIGH_PC, CONST_VALUE, UPPER_BOUND, ABSTRACT_ORIGIN, COUNT,
        MEMBER_LOCATION, DECLARATION, SPECIFICATION, TYPE, RANGES, STRING_OFFSETS_BASE,
        ADDRESS_BASE,
    ]
)  # fmt: skip

COMPILE_UNIT, PARTIAL_UNIT = 1, 3
_IN_UNIT = frozenset([0x11, 0x12, 0x13, 0x14, 0x15])
"""References from the unit's beginning."""
_STRING_INDEX = frozenset([0x1A, 0x25, 0x26, 0x27, 0x28])
_ADDRESS_INDEX = frozenset([0x1B, 0x29, 0x2A, 0x2B, 0x2C])
_CONSTANTS = frozenset([0x05, 0x06, 0x07, 0x0B, 0x0D, 0x0F, IMPLICIT])

_Abbreviation = tuple[int, bool, tuple[tuple[int, int, int], ...]]
"""Tag, whether it has children, and attributes: name, form, value of an implicit constant."""


class Entry(NamedTuple):
    """One entry. `offset` is its place in the section, `parent` that of its parent; `values` are
    the attributes that `Types` needs: references are places in the section, `high` says that
    HIGH_PC is a length."""

    offset: int
    tag: int
    parent: int
    values: dict[int, Value]
    high_is_length: bool = False

    def number(self, attribute: int) -> int | None:
        """A value that is a number."""
        value = self.values.get(attribute)
        return value if isinstance(value, int) else None

    @property
    def name(self) -> str:
        value = self.values.get(NAME, "")
        return value if isinstance(value, str) else ""


class Entries:
    """The entries of a program, unit by unit."""

    def __init__(self, sections: Mapping[str, bytes], byte_order: Literal["big", "little"]) -> None:
        """`sections` are .debug_info, .debug_abbrev, .debug_str, .debug_line_str,
        .debug_str_offsets and .debug_addr. What is damaged is left out."""
        self._sections = sections
        self._strings = {STRP: sections[".debug_str"], LINE_STRP: sections[".debug_line_str"]}
        self._order: Literal["big", "little"] = byte_order
        self._left = MOST_ATTRIBUTES
        self._abbreviations: dict[int, dict[int, _Abbreviation]] = {}
        self.damage = ""

    def __iter__(self) -> Iterator[Entry]:
        """All entries of all units, in their order, as far as they can be read."""
        try:
            for number, unit in enumerate(units(self._sections[".debug_info"], self._order)):
                if number >= MOST_UNITS:
                    raise Damaged("more units of debug information than any program has")
                try:
                    yield from self._entries(unit)
                except Damaged as error:
                    self.damage = self.damage or str(error)
        except Damaged as error:
            self.damage = str(error)

    def _entries(self, unit: Unit) -> Iterator[Entry]:
        cursor, version, width = unit.cursor, unit.version, unit.width
        kind = cursor.number(1) if version >= 5 else COMPILE_UNIT
        size = cursor.number(1) if version >= 5 else 0
        table = cursor.number(width)
        size = size or cursor.number(1)
        if kind not in (COMPILE_UNIT, PARTIAL_UNIT) or not 1 <= size <= 8:
            return
        abbreviations = self._table(table)
        read = Forms(self._strings, version, width, size).read
        parents = [0]
        bases = {STRING_OFFSETS_BASE: 2 * width, ADDRESS_BASE: 8}
        while cursor.place < cursor.end:
            offset = cursor.place
            code = cursor.uleb()
            if code == 0:
                if len(parents) > 1:
                    parents.pop()
                continue
            abbreviation = abbreviations.get(code)
            if abbreviation is None:
                raise Damaged("an entry of debug information that nothing describes")
            tag, has_children, attributes = abbreviation
            self._left -= len(attributes) + 1
            if self._left < 0:
                raise Damaged("more debug information than any program has")
            values: dict[int, Value] = {}
            indices: list[tuple[int, int]] = []
            high_is_length = False
            for attribute, form, implicit in attributes:
                value = read(cursor, form, implicit)
                if attribute not in _WANTED:
                    continue
                if form in _IN_UNIT and isinstance(value, int):
                    value += unit.offset
                if form in _STRING_INDEX or form in _ADDRESS_INDEX:
                    indices.append((attribute, form))
                if attribute == HIGH_PC:
                    high_is_length = form in _CONSTANTS
                values[attribute] = value
            if parents == [0]:
                bases |= {
                    base: found for base in bases if isinstance(found := values.get(base), int)
                }
            for attribute, form in indices:
                index = values[attribute]
                assert isinstance(index, int)
                if form in _STRING_INDEX:
                    place = bases[STRING_OFFSETS_BASE] + index * width
                    place = self._word(".debug_str_offsets", place, width)
                    values[attribute] = string_at(self._strings[STRP], place)
                else:
                    place = bases[ADDRESS_BASE] + index * size
                    values[attribute] = self._word(".debug_addr", place, size)
            yield Entry(offset, tag, parents[-1], values, high_is_length)
            if has_children:
                parents.append(offset)
                if len(parents) > 256:
                    raise Damaged("entries within entries without an end")

    def _word(self, section: str, where: int, width: int) -> int:
        return int.from_bytes(self._sections[section][where : where + width], self._order)

    def _table(self, offset: int) -> dict[int, _Abbreviation]:
        if offset not in self._abbreviations:
            self._abbreviations[offset] = self._read_table(offset)
        return self._abbreviations[offset]

    def _read_table(self, offset: int) -> dict[int, _Abbreviation]:
        found: dict[int, _Abbreviation] = {}
        cursor = Cursor(self._sections[".debug_abbrev"], self._order, offset)
        while True:
            code = cursor.uleb()
            if code == 0:
                return found
            tag, has_children = cursor.uleb(), bool(cursor.number(1))
            attributes = []
            while True:
                attribute, form = cursor.uleb(), cursor.uleb()
                implicit = cursor.sleb() if form == IMPLICIT else 0
                if attribute == form == 0:
                    break
                attributes.append((attribute, form, implicit))
                self._left -= 1
            if len(found) >= MOST_ABBREVIATIONS or self._left < 0:
                raise Damaged("more abbreviations than any program has")
            found[code] = (tag, has_children, tuple(attributes))
