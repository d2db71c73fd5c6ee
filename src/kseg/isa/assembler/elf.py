"""A program as an ELF executable: one segment, its sections, and a symbol table.

Tool Interface Standard, Executable and Linking Format 1.2; MIPS supplement for machine and flags.
"""

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kseg.isa.assembler.program import Program

HEADER, SEGMENT, SECTION, SYMBOL = 52, 32, 40, 16
EXECUTABLE, MIPS, NO_REORDER_O32 = 2, 8, 0x1001
PROGBITS, SYMTAB, STRTAB, LOAD = 1, 2, 3, 1
GLOBAL, ABSOLUTE = 0x10, 0xFFF1
WRITE, ALLOCATE, EXECUTE = 1, 2, 4
ALIGNMENT = 0x1000
LOCAL = ("$L", ".L")
"""Names that compilers make up, which no debugger should show."""


def executable(program: "Program") -> bytes:
    """The bytes of an ELF file that loads `program.code` at its origin and starts at its entry."""
    prefix = ">" if program.byte_order == "big" else "<"

    def pack(format_: str, *values: int) -> bytes:
        return struct.pack(prefix + format_, *values)

    # The segment's place in the file is its address, modulo the page size.
    text = ALIGNMENT + program.origin % ALIGNMENT
    strings = b"\0"
    symbols = bytes(SYMBOL)
    named = [(name, value, _section(program, value)) for name, value in program.symbols.items()]
    named += [(name, value, ABSOLUTE) for name, value in program.constants.items()]
    named = [each for each in named if not each[0].startswith(LOCAL)]
    for name, value, index in named:
        symbols += pack("IIIBBH", len(strings), value & 0xFFFFFFFF, 0, GLOBAL, 0, index)
        strings += name.encode() + b"\0"

    body = bytearray(text) + program.code
    body += bytes(-len(body) % 4)
    own = [name for name, _, _ in program.sections]
    names = b"\0".join(name.encode() for name in ["", *own, ".symtab", ".strtab", ".shstrtab", ""])
    tables = []
    for table in (symbols, strings, names):
        tables.append((len(body), len(table)))
        body += table + bytes(-len(table) % 4)
    headers = len(body)

    def name_of(name: str) -> int:
        return names.index(b"\0" + name.encode() + b"\0") + 1

    sections = [(0,) * 10]
    for name, address, length in program.sections:
        flags = ALLOCATE | (EXECUTE if name in program.code_sections else WRITE)
        place = text + address - program.origin
        sections.append((name_of(name), PROGBITS, flags, address, place, length, 0, 0, 4, 0))
    strtab = len(sections) + 1
    sections += [
        (name_of(".symtab"), SYMTAB, 0, 0, *tables[0], strtab, 1, 4, SYMBOL),
        (name_of(".strtab"), STRTAB, 0, 0, *tables[1], 0, 0, 1, 0),
        (name_of(".shstrtab"), STRTAB, 0, 0, *tables[2], 0, 0, 1, 0),
    ]
    for section in sections:
        body += pack("10I", *section)
    order = 2 if program.byte_order == "big" else 1
    header = b"\x7fELF" + bytes([1, order, 1]) + bytes(9)
    header += pack("HHIIIII", EXECUTABLE, MIPS, 1, program.entry, HEADER, headers, NO_REORDER_O32)
    header += pack("HHHHHH", HEADER, SEGMENT, 1, SECTION, len(sections), len(sections) - 1)
    origin, size = program.origin, len(program.code)
    header += pack("8I", LOAD, text, origin, origin, size, size, 7, ALIGNMENT)
    body[: len(header)] = header
    return bytes(body)


def _section(program: "Program", address: int) -> int:
    """The number of the section in which a label lies, or to whose end it points."""
    for number, (_, base, size) in enumerate(program.sections, 1):
        if base <= address <= base + size:
            return number
    return ABSOLUTE
