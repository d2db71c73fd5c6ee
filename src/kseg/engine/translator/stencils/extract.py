"""Stencils out of an ELF object for x86-64: a function's bytes, and its relocations as holes."""

import io
from typing import Any

from kseg.engine.translator.stencils.holes import NEXT, name_of
from kseg.engine.translator.stencils.stencil import Patch, Stencil
from kseg.platform.code import NativeCodeError

_DISTANCES = {2, 4}
"""R_X86_64_PC32, R_X86_64_PLT32."""
_NUMBERS = {10, 11}
"""R_X86_64_32, R_X86_64_32S."""
_JUMP = 0xE9
"""The opcode of a jump with a 32-bit distance, which ends an instruction."""

_FUNCTION = "STT_FUNC"


def extract(object_file: bytes) -> dict[str, Stencil]:
    """Every function of an object, by name; NativeCodeError if one is no stencil."""
    from elftools.elf.elffile import ELFFile

    elf: Any = ELFFile(io.BytesIO(object_file))
    table = elf.get_section_by_name(".symtab")
    text = elf.get_section_by_name(".text")
    content: bytes = text.data()
    names = [symbol.name for symbol in table.iter_symbols()]
    relocations = sorted(
        (
            entry["r_offset"],
            entry["r_info_type"],
            names[entry["r_info_sym"]],
            entry["r_addend"],
        )
        for entry in elf.get_section_by_name(".rela.text").iter_relocations()
    )
    functions = sorted(
        (symbol["st_value"], symbol["st_size"], symbol.name)
        for symbol in table.iter_symbols()
        if symbol["st_info"]["type"] == _FUNCTION
    )
    found: dict[str, Stencil] = {}
    position = 0
    for start, size, name in functions:
        own: list[tuple[int, int, str, int]] = []
        while position < len(relocations) and relocations[position][0] < start + size:
            offset, kind, symbol, addend = relocations[position]
            own.append((offset - start, kind, symbol, addend))
            position += 1
        found[name] = _stencil(name, content[start : start + size], own)
    return found


def _stencil(name: str, function: bytes, relocations: list[tuple[int, int, str, int]]) -> Stencil:
    code = bytearray(function)
    if relocations:
        offset, _, symbol, _ = relocations[-1]
        jumps_on = name_of(symbol) == NEXT and code[offset - 1 : offset] == bytes([_JUMP])
        if offset == len(code) - 4 and jumps_on:
            del code[offset - 1 :]
            relocations = relocations[:-1]
    holes: list[Patch] = []
    distances: list[Patch] = []
    for offset, kind, symbol, addend in relocations:
        hole = name_of(symbol)
        if kind in _NUMBERS and hole:
            holes.append((offset, hole, addend))
        elif kind in _DISTANCES and hole == NEXT:
            distance = len(code) - offset + addend
            code[offset : offset + 4] = distance.to_bytes(4, "little", signed=True)
        elif kind in _DISTANCES and hole:
            distances.append((offset, hole, addend))
        else:
            raise NativeCodeError(f"the stencil {name} refers to {symbol!r} in way {kind}")
    return Stencil(bytes(code), holes, distances)
