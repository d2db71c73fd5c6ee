"""What a program's debug information says of its structures and functions: where members lie, what
pointers point to, what functions take."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from kseg.symbols.debug_info import (
    ABSTRACT_ORIGIN,
    BYTE_SIZE,
    CONST_VALUE,
    COUNT,
    DECLARATION,
    LOW_PC,
    MEMBER_LOCATION,
    SPECIFICATION,
    TYPE,
    UPPER_BOUND,
    Entries,
    Entry,
)
from kseg.symbols.dwarf import Cursor, Damaged

ARRAY, ENUMERATION, PARAMETER, MEMBER, POINTER = 0x01, 0x04, 0x05, 0x0D, 0x0F
STRUCTURE, TYPEDEF, UNION, BASE, CONSTANT = 0x13, 0x16, 0x17, 0x24, 0x26
SUBRANGE, ENUMERATOR, FUNCTION, VOLATILE, RESTRICT = 0x21, 0x28, 0x2E, 0x35, 0x37
_SAME = frozenset([TYPEDEF, CONSTANT, VOLATILE, RESTRICT])
_KINDS = {
    POINTER: "pointer", STRUCTURE: "struct", UNION: "union", BASE: "base", ARRAY: "array",
    ENUMERATION: "enum",
}  # fmt: skip
_PLUS_CONSTANT = 0x23
MOST_STEPS = 32
"""From a type to the one that it is another name for, at most; and members within members."""
MOST_MEMBERS = 2000
"""Of a structure, those of unnamed members among them."""


class Type(NamedTuple):
    """A type, without names and qualifiers. `kind` is "base", "pointer", "struct", "union",
    "array", "enum", or "" for what is none of them; `size` in bytes, 0 where it is not known. `to`
    is the place of what a pointer points to, or of what an array consists of."""

    kind: str
    name: str
    size: int
    to: int = 0


class Member(NamedTuple):
    """A member of a structure, `offset` bytes from its beginning."""

    name: str
    offset: int
    type: Type


@dataclass(frozen=True, slots=True)
class Structure:
    """A structure: its members in order, those of unnamed members among them."""

    name: str
    size: int
    members: tuple[Member, ...]

    def member(self, name: str) -> Member:
        """The member with a name; KeyError if there is none."""
        for member in self.members:
            if member.name == name:
                return member
        raise KeyError(name)

    def offset(self, name: str) -> int:
        """Where a member is; KeyError if there is none."""
        return self.member(name).offset

    def has(self, *names: str) -> bool:
        return {member.name for member in self.members}.issuperset(names)


class Types:
    def __init__(self, sections: Mapping[str, bytes], byte_order: Literal["big", "little"]) -> None:
        """`sections` are those of `Entries`; what is damaged is left out, and `damage` says it."""
        entries = Entries(sections, byte_order)
        self._order: Literal["big", "little"] = byte_order
        self._at: dict[int, Entry] = {}
        self._children: dict[int, list[Entry]] = {}
        self._structures: dict[str, Entry] = {}
        self._functions: dict[int, Entry] = {}
        for entry in entries:
            self._take(entry)
        self.damage = entries.damage
        self._made: dict[str, Structure | None] = {}
        self._left = 0
        """Members that the structure being made may still have."""

    def _take(self, entry: Entry) -> None:
        self._at[entry.offset] = entry
        if entry.tag in (MEMBER, PARAMETER, SUBRANGE, ENUMERATOR):
            self._children.setdefault(entry.parent, []).append(entry)
        elif entry.tag in (STRUCTURE, UNION) and DECLARATION not in entry.values:
            if entry.name:
                self._structures.setdefault(entry.name, entry)
        elif entry.tag == FUNCTION:
            start = entry.number(LOW_PC)
            if start is not None:
                self._functions.setdefault(start, entry)

    def structure(self, name: str) -> Structure | None:
        """The structure with a name; None where nothing is known of it."""
        if name not in self._made:
            entry = self._structures.get(name)
            made = None
            if entry is not None:
                self._left = MOST_MEMBERS
                members = tuple(self._members(entry, 0, 0))
                made = Structure(name, entry.number(BYTE_SIZE) or 0, members)
            self._made[name] = made
        return self._made[name]

    def target(self, type_: Type) -> Type:
        """What a pointer points to, or an array consists of."""
        return self._type(type_.to)

    def enumeration(self, type_: Type) -> dict[int, str]:
        """The names of an enumeration's values."""
        return {
            value: each.name
            for each in self._children.get(type_.to, ())
            if each.tag == ENUMERATOR and (value := each.number(CONST_VALUE)) is not None
        }

    def parameters(self, function: int) -> list[tuple[str, Type]]:
        """Names and types of what the function that begins at an address takes."""
        entry = self._functions.get(function)
        if entry is None:
            return []
        found = [each for each in self._children.get(entry.offset, ()) if each.tag == PARAMETER]
        return [(self._named(each), self._type(self._type_of(each))) for each in found]

    # From entries.

    def _origin(self, entry: Entry) -> Entry | None:
        place = entry.number(ABSTRACT_ORIGIN) or entry.number(SPECIFICATION)
        return None if place is None else self._at.get(place)

    def _named(self, entry: Entry) -> str:
        origin = None if entry.name else self._origin(entry)
        return entry.name if origin is None else origin.name

    def _type_of(self, entry: Entry) -> int:
        place = entry.number(TYPE)
        if place is None:
            origin = self._origin(entry)
            place = None if origin is None else origin.number(TYPE)
        return place or 0

    def _type(self, place: int) -> Type:
        name = ""
        for _ in range(MOST_STEPS):
            entry = self._at.get(place)
            if entry is None:
                return Type("", name, 0)
            name = name or entry.name
            if entry.tag not in _SAME:
                break
            place = self._type_of(entry)
        else:
            return Type("", name, 0)
        kind = _KINDS.get(entry.tag, "")
        if kind in ("struct", "union"):
            name = entry.name
            whole = self._structures.get(name)
            return Type(kind, name, (whole or entry).number(BYTE_SIZE) or 0, entry.offset)
        if kind == "array":
            return Type(kind, name, self._array_size(entry), self._type_of(entry))
        if kind == "enum":
            return Type(kind, name, entry.number(BYTE_SIZE) or 4, entry.offset)
        size = entry.number(BYTE_SIZE) or (4 if kind == "pointer" else 0)
        return Type(kind, name, size, self._type_of(entry))

    def _array_size(self, entry: Entry) -> int:
        """In bytes, of an array of characters or other small things; 0 if it is not known."""
        ranges = [each for each in self._children.get(entry.offset, ()) if each.tag == SUBRANGE]
        element = self._at.get(self._type_of(entry))
        for _ in range(MOST_STEPS):
            if element is None or element.tag not in _SAME:
                break
            element = self._at.get(self._type_of(element))
        size = 0 if element is None else element.number(BYTE_SIZE) or 4 * (element.tag == POINTER)
        for each in ranges:
            upper = each.number(UPPER_BOUND)
            size *= (each.number(COUNT) or 0) if upper is None else upper + 1
        return size

    def _members(self, entry: Entry, base: int, depth: int) -> Iterator[Member]:
        if depth > MOST_STEPS:
            return
        for each in self._children.get(entry.offset, ()):
            self._left -= 1
            if self._left < 0:
                return
            offset = self._location(each)
            if each.tag != MEMBER or offset is None:
                continue
            type_ = self._type(self._type_of(each))
            if not each.name and type_.kind in ("struct", "union"):
                inner = self._at.get(type_.to)
                if inner is not None:
                    yield from self._members(inner, base + offset, depth + 1)
                continue
            yield Member(each.name, base + offset, type_)

    def _location(self, entry: Entry) -> int | None:
        """In bytes; None where it is not simply a number. Members of unions have none: 0."""
        value = entry.values.get(MEMBER_LOCATION, 0)
        if isinstance(value, int):
            return value
        if isinstance(value, bytes) and value[:1] == bytes([_PLUS_CONSTANT]):
            try:
                return Cursor(value, self._order, 1).uleb()
            except Damaged:
                return None
        return None
