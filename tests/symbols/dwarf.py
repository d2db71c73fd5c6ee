"""Debug information, written by hand: line tables, call frame information, and executables that
have them."""

import struct
from collections.abc import Mapping, Sequence

from kseg.isa.assembler import assemble

Row = tuple[int, int, int]
"""Address, number of the file, line."""


def uleb(value: int) -> bytes:
    found = bytearray()
    while True:
        found.append(value & 0x7F | (0x80 if value > 0x7F else 0))
        value >>= 7
        if not value:
            return bytes(found)


def sleb(value: int) -> bytes:
    found = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        if value == -(byte >> 6 & 1):
            return bytes([*found, byte])
        found.append(byte | 0x80)


def program(rows: Sequence[Row], end: int, order: str = ">") -> bytes:
    """A line number program in standard opcodes."""
    parts = [b"\0", uleb(5), b"\2", struct.pack(order + "I", rows[0][0])]
    at, line = rows[0][0], 1
    for address, file, wanted in rows:
        parts += [b"\2", uleb((address - at) // 4), b"\4", uleb(file)]
        parts += [b"\3", sleb(wanted - line), b"\1"]
        at, line = address, wanted
    return b"".join([*parts, b"\2", uleb((end - at) // 4), b"\0\1\1"])


LENGTHS = bytes([0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1])
FIXED = bytes([4, 1, 1, 0xFB, 14, 13]) + LENGTHS
"""Four bytes an instruction, one operation, statements, line base -5, range 14, opcode base."""


def unit(version: int, files: Sequence[str], code: bytes, order: str = ">") -> bytes:
    """A line table; a file's name is `directory/name`. The first file is number 1, in DWARF 5 also
    number 0."""
    directories = sorted({name.rpartition("/")[0] for name in files})
    if version >= 5:
        tables = bytes([1, 1, 8]) + uleb(len(directories))  # A path, as a string.
        tables += b"".join(name.encode() + b"\0" for name in directories)
        tables += bytes([2, 1, 8, 2, 11]) + uleb(len(files) + 1)  # And the directory, in a byte.
        for name in (files[0], *files):
            directory, _, base = name.rpartition("/")
            tables += base.encode() + b"\0" + bytes([directories.index(directory)])
        before = bytes([4, 0])
    else:
        tables = b"".join(name.encode() + b"\0" for name in directories if name) + b"\0"
        shift = 0 if "" in directories else 1
        for name in files:
            directory, _, base = name.rpartition("/")
            tables += base.encode() + b"\0" + uleb(directories.index(directory) + shift) + b"\0\0"
        tables += b"\0"
        before = b""
    fixed = FIXED if version >= 4 else FIXED[:1] + FIXED[2:]
    header = fixed + tables
    rest = struct.pack(order + "H", version) + before
    rest += struct.pack(order + "I", len(header)) + header + code
    return struct.pack(order + "I", len(rest)) + rest


def call_frames(functions: Sequence[tuple[int, int, bytes]], order: str = ">") -> bytes:
    """.debug_frame: functions by address and size, with the instructions that describe them."""
    cie = struct.pack(order + "I", 0xFFFFFFFF) + b"\3\0" + uleb(1) + sleb(-4) + uleb(31)
    cie += bytes([0x0C, 29, 0])  # The frame's address is sp.
    found = _padded(cie, order)
    for address, size, instructions in functions:
        found += _padded(struct.pack(order + "III", 0, address, size) + instructions, order)
    return found


def _padded(data: bytes, order: str) -> bytes:
    data += bytes(-len(data) % 4)
    return struct.pack(order + "I", len(data)) + data


def executable(source: str, sections: Mapping[str, bytes]) -> bytes:
    """An assembled program with further sections."""
    data = bytearray(assemble(f"__start:\n{source}").to_elf())
    place, count, names = (
        struct.unpack_from(">I", data, 32)[0], *struct.unpack_from(">HH", data, 48)
    )  # fmt: skip
    headers = [list(struct.unpack_from(">10I", data, place + 40 * n)) for n in range(count)]
    offset, size = headers[names][4:6]
    strings = bytes(data[offset : offset + size])
    for name, contents in sections.items():
        headers.append([len(strings), 1, 0, 0, len(data), len(contents), 0, 0, 1, 0])
        strings += name.encode() + b"\0"
        data += contents + bytes(-len(contents) % 4)
    headers[names][4:6] = len(data), len(strings)
    data += strings + bytes(-len(strings) % 4)
    struct.pack_into(">I", data, 32, len(data))
    struct.pack_into(">H", data, 48, len(headers))
    for header in headers:
        data += struct.pack(">10I", *header)
    return bytes(data)


class TypeWriter:
    """Writes structures and functions as debug information.

    A type is written "u32", "char", "char*", "lock*" (a pointer to a structure), "node" (a
    structure inside), "char[64]" or "enum:A,B" (of numbers from 0).
    """

    ABBREVIATIONS = (
        (0x11, 1, [(0x03, 0x08)]),  # 1: a unit: its name
        (0x24, 0, [(0x03, 0x08), (0x0B, 0x0B)]),  # 2: a base type: name, size
        (0x0F, 0, [(0x49, 0x13), (0x0B, 0x0B)]),  # 3: a pointer: type, size
        (0x13, 1, [(0x03, 0x08), (0x0B, 0x05)]),  # 4: a structure: name, size
        (0x0D, 0, [(0x03, 0x08), (0x49, 0x13), (0x38, 0x05)]),  # 5: a member: name, type, place
        (0x04, 1, [(0x0B, 0x0B)]),  # 6: an enumeration: size
        (0x28, 0, [(0x03, 0x08), (0x1C, 0x0B)]),  # 7: an enumerator: name, value
        (0x01, 1, [(0x49, 0x13)]),  # 8: an array: type
        (0x21, 0, [(0x2F, 0x0B)]),  # 9: its range: the last index
        (0x2E, 1, [(0x03, 0x08), (0x11, 0x01)]),  # 10: a function: name, address
        (0x05, 0, [(0x03, 0x08), (0x49, 0x13)]),  # 11: a parameter: name, type
        (0x16, 0, [(0x03, 0x08), (0x49, 0x13)]),  # 12: a typedef: name, type
    )
    HEADER = 11

    def __init__(
        self,
        structures: Mapping[str, tuple[int, Sequence[tuple[str, int, str]]]],
        functions: Mapping[str, tuple[int, Sequence[tuple[str, str]]]],
    ) -> None:
        """Structures by name: their size, and members as name, offset, type. Functions by name:
        address, and parameters as name, type."""
        self._fixes: list[tuple[int, str]] = []
        self._places: dict[str, int] = {}
        self._entries = bytearray(b"\1unit.c\0")
        self._structures = structures
        for name, (size, members) in structures.items():
            self._begin(name, 4, name.encode() + b"\0" + struct.pack(">H", size))
            for member, offset, type_ in members:
                self._entries += b"\5" + member.encode() + b"\0"
                self._refer(type_)
                self._entries += struct.pack(">H", offset)
            self._entries += b"\0"
        for name, (address, parameters) in functions.items():
            self._begin("", 10, name.encode() + b"\0" + struct.pack(">I", address))
            for parameter, type_ in parameters:
                self._entries += b"\x0b" + parameter.encode() + b"\0"
                self._refer(type_)
            self._entries += b"\0"
        self._write_types()
        self._entries += b"\0"
        for place, type_ in self._fixes:
            struct.pack_into(">I", self._entries, place, self._places[type_])

    def sections(self) -> dict[str, bytes]:
        """.debug_info and .debug_abbrev, DWARF 4."""
        table = b"".join(
            uleb(number) + uleb(tag) + bytes([children])
            + b"".join(uleb(name) + uleb(form) for name, form in attributes) + b"\0\0"
            for number, (tag, children, attributes) in enumerate(self.ABBREVIATIONS, 1)
        )  # fmt: skip
        rest = struct.pack(">HIB", 4, 0, 4) + bytes(self._entries)
        return {
            ".debug_info": struct.pack(">I", len(rest)) + rest,
            ".debug_abbrev": table + b"\0",
        }

    def _begin(self, type_: str, number: int, values: bytes = b"") -> None:
        if type_:
            self._places[type_] = self.HEADER + len(self._entries)
        self._entries += bytes([number]) + values

    def _refer(self, type_: str) -> None:
        self._fixes.append((len(self._entries), type_))
        self._entries += bytes(4)

    def _write_types(self) -> None:
        for _, type_ in self._fixes:  # It grows as types refer to others.
            if type_ in self._places:
                continue
            if type_.endswith("*"):
                self._begin(type_, 3)
                self._refer(type_[:-1])
                self._entries += b"\4"
            elif type_.startswith("enum:"):
                self._begin(type_, 6, b"\4")
                for value, name in enumerate(type_[5:].split(",")):
                    self._entries += b"\7" + name.encode() + b"\0" + bytes([value])
                self._entries += b"\0"
            elif type_.endswith("]"):
                element, _, count = type_[:-1].partition("[")
                self._begin(type_, 8)
                self._refer(element)
                self._entries += bytes([9, int(count) - 1, 0])
            elif type_.startswith("typedef:"):
                self._begin(type_, 12, b"other_t\0")
                self._refer(type_[8:])
            else:
                size = {"char": 1, "bool": 1, "u16": 2}.get(type_, 4)
                self._begin(type_, 2, type_.encode() + b"\0" + bytes([size]))
