"""Debug information entries: `.debug_info` and `.debug_abbrev`, DWARF 2 to 5 (DWARF 5, 7.5).

A strict reader of our own, for the reasons of `lines`: it takes a fifth of the time that
pyelftools takes, and an abbreviation that claims a million attributes which
take no bytes costs no more than the budget.
"""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from kseg.symbols.line_table import Cursor, Damaged

MOST_ATTRIBUTES = 2_000_000
"""Attributes that are read of one program, at most."""
MOST_UNITS = 20_000
MOST_ABBREVIATIONS = 20_000
"""Of one unit."""
LONGEST_NAME = 512

Value = int | str | bytes

SIBLING, LOCATION, NAME, BYTE_SIZE = 0x01, 0x02, 0x03, 0x0B
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

COMPILE_UNIT, PARTIAL_UNIT, TYPE_UNIT, SKELETON = 1, 3, 2, 4
_ADDRESS, _STRING, _INDIRECT, _FLAG_PRESENT, _IMPLICIT = 0x01, 0x08, 0x16, 0x19, 0x21
_STRP, _LINE_STRP = 0x0E, 0x1F
_FIXED = {
    0x05: 2, 0x06: 4, 0x07: 8, 0x0B: 1, 0x0C: 1, 0x11: 1, 0x12: 2, 0x13: 4, 0x14: 8, 0x1C: 4,
    0x1E: 16, 0x20: 8, 0x24: 8, 0x25: 1, 0x26: 2, 0x27: 3, 0x28: 4, 0x29: 1, 0x2A: 2, 0x2B: 3,
    0x2C: 4,
}  # fmt: skip
"""Bytes of the forms that always have as many."""
_OFFSETS = frozenset([0x10, 0x17, 0x1D])
"""Forms of an offset into a section."""
_ULEB = frozenset([0x0F, 0x15, 0x1A, 0x1B, 0x22, 0x23])
_BLOCKS = {0x03: 2, 0x04: 4, 0x0A: 1}
"""Bytes of a block's length."""
_IN_UNIT = frozenset([0x11, 0x12, 0x13, 0x14, 0x15])
"""References from the unit's beginning."""
_STRING_INDEX = frozenset([0x1A, 0x25, 0x26, 0x27, 0x28])
_ADDRESS_INDEX = frozenset([0x1B, 0x29, 0x2A, 0x2B, 0x2C])
_CONSTANTS = frozenset([0x05, 0x06, 0x07, 0x0B, 0x0D, 0x0F, _IMPLICIT])

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


class Unit(NamedTuple):
    """Where a unit is, and how it is to be read."""

    offset: int
    begin: int
    end: int
    version: int
    width: int
    address_size: int
    abbreviations: int


class Entries:
    """The entries of a program, unit by unit."""

    def __init__(self, sections: Mapping[str, bytes], byte_order: Literal["big", "little"]) -> None:
        """`sections` are .debug_info, .debug_abbrev, .debug_str, .debug_line_str,
        .debug_str_offsets and .debug_addr. What is damaged is left out."""
        self._sections = sections
        self._order: Literal["big", "little"] = byte_order
        self._left = MOST_ATTRIBUTES
        self._abbreviations: dict[int, dict[int, _Abbreviation]] = {}
        self.damage = ""
        self.units: list[Unit] = []
        try:
            self._find_units()
        except Damaged as error:
            self.damage = str(error)

    def _find_units(self) -> None:
        data, place = self._sections[".debug_info"], 0
        while place + 4 <= len(data):
            cursor = Cursor(data, self._order, place)
            length, width = cursor.number(4), 4
            if length == 0xFFFFFFFF:
                length, width = cursor.number(8), 8
            end = cursor.place + length
            if end > len(data) or len(self.units) >= MOST_UNITS:
                raise Damaged("units of debug information are cut short")
            cursor.end = end
            version = cursor.number(2)
            if 2 <= version <= 5:
                kind = cursor.number(1) if version >= 5 else COMPILE_UNIT
                size = cursor.number(1) if version >= 5 else 0
                table = cursor.number(width)
                size = size or cursor.number(1)
                if kind in (COMPILE_UNIT, PARTIAL_UNIT) and 1 <= size <= 8:
                    unit = Unit(place, cursor.place, end, version, width, size, table)
                    self.units.append(unit)
            place = end

    def first(self, unit: Unit) -> Entry | None:
        """The entry of the unit itself."""
        return next(self._read(unit), None)

    def of(self, unit: Unit) -> list[Entry]:
        """All entries of a unit, as far as they can be read, in their order."""
        return list(self._read(unit))

    def _read(self, unit: Unit) -> Iterator[Entry]:
        try:
            yield from self._entries(unit)
        except Damaged as error:
            self.damage = self.damage or str(error)

    def _entries(self, unit: Unit) -> Iterator[Entry]:
        table = self._table(unit.abbreviations)
        cursor = Cursor(self._sections[".debug_info"], self._order, unit.begin, unit.end)
        parents = [0]
        bases = {STRING_OFFSETS_BASE: 2 * unit.width, ADDRESS_BASE: 8}
        while cursor.place < unit.end:
            offset = cursor.place
            code = cursor.uleb()
            if code == 0:
                if len(parents) > 1:
                    parents.pop()
                continue
            abbreviation = table.get(code)
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
                value = self._value(cursor, unit, form, implicit)
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
                values[attribute] = self._indexed(unit, values[attribute], form, bases)
            yield Entry(offset, tag, parents[-1], values, high_is_length)
            if has_children:
                parents.append(offset)
                if len(parents) > 256:
                    raise Damaged("entries within entries without an end")

    def _indexed(self, unit: Unit, index: Value, form: int, bases: Mapping[int, int]) -> Value:
        assert isinstance(index, int)
        if form in _STRING_INDEX:
            where = bases[STRING_OFFSETS_BASE] + index * unit.width
            offset = self._word(".debug_str_offsets", where, unit.width)
            return self._string(".debug_str", offset)
        where = bases[ADDRESS_BASE] + index * unit.address_size
        return self._word(".debug_addr", where, unit.address_size)

    def _word(self, section: str, where: int, width: int) -> int:
        return int.from_bytes(self._sections[section][where : where + width], self._order)

    def _string(self, section: str, where: int) -> str:
        text = self._sections[section][where : where + LONGEST_NAME]
        return text.partition(b"\0")[0].decode("utf-8", "replace")

    def _value(self, cursor: Cursor, unit: Unit, form: int, implicit: int) -> Value:
        if form in _FIXED:
            return cursor.number(_FIXED[form])
        if form in (_STRP, _LINE_STRP):
            section = ".debug_str" if form == _STRP else ".debug_line_str"
            return self._string(section, cursor.number(unit.width))
        if form in _OFFSETS:
            old = form == 0x10 and unit.version < 3
            return cursor.number(unit.address_size if old else unit.width)
        if form in _ULEB:
            return cursor.uleb()
        if form == 0x0D:
            return cursor.sleb()
        if form == _ADDRESS:
            return cursor.number(unit.address_size)
        if form == _STRING:
            return cursor.string()
        if form == _FLAG_PRESENT:
            return 1
        if form == _IMPLICIT:
            return implicit
        if form in _BLOCKS:
            return cursor.take(cursor.number(_BLOCKS[form]))
        if form in (0x09, 0x18):
            return cursor.take(cursor.uleb())
        if form == _INDIRECT:
            inner = cursor.uleb()
            if inner in (_INDIRECT, _IMPLICIT):
                raise Damaged("a form of a form")
            return self._value(cursor, unit, inner, 0)
        raise Damaged(f"debug information in an unknown form {form:#x}")

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
                implicit = cursor.sleb() if form == _IMPLICIT else 0
                if attribute == form == 0:
                    break
                attributes.append((attribute, form, implicit))
                self._left -= 1
            if len(found) >= MOST_ABBREVIATIONS or self._left < 0:
                raise Damaged("more abbreviations than any program has")
            found[code] = (tag, has_children, tuple(attributes))
