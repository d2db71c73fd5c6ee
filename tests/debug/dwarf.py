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
