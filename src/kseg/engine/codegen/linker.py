"""From an object file to bytes that can be mapped as they are."""

import io
from typing import Any

from elftools.elf.elffile import ELFFile

from kseg.engine.codegen.native import Blob
from kseg.engine.codegen.targets.target import Target
from kseg.platform.code import NativeCodeError

_ALLOCATED = 2
"""SHF_ALLOC: the section is part of the program."""


def link(object_file: bytes, target: Target) -> Blob:
    """The code of an ELF object for a target, followed by its data if it has any; NativeCodeError
    unless all its relocations lie within."""
    elf: Any = ELFFile(io.BytesIO(object_file))
    if elf.header["e_machine"] != target.elf_machine:
        raise NativeCodeError(f"the code is not for {target.name}")
    places: dict[int, int] = {}
    image = bytearray()
    for number, section in enumerate(elf.iter_sections()):
        if not section["sh_flags"] & _ALLOCATED or section.name.startswith(".eh_frame"):
            continue
        alignment = max(section["sh_addralign"], 1)
        image += bytes(-len(image) % alignment)
        places[number] = len(image)
        image += section.data() if section["sh_type"] != "SHT_NOBITS" else bytes(section["sh_size"])
    table = elf.get_section_by_name(".symtab")
    for section in elf.iter_sections():
        if section["sh_type"] != "SHT_RELA" or section["sh_info"] not in places:
            continue
        for relocation in section.iter_relocations():
            symbol = table.get_symbol(relocation["r_info_sym"])
            if symbol["st_shndx"] not in places:
                raise NativeCodeError(f"the code refers to {symbol.name or 'data'} outside itself")
            place = places[section["sh_info"]] + relocation["r_offset"]
            to = places[symbol["st_shndx"]] + symbol["st_value"] + relocation["r_addend"]
            target.relocate(image, relocation["r_info_type"], place, to)
    symbols = {
        symbol.name: places[symbol["st_shndx"]] + symbol["st_value"]
        for symbol in table.iter_symbols()
        if symbol["st_shndx"] in places and symbol["st_info"]["bind"] == "STB_GLOBAL"
    }
    return Blob(bytes(image), symbols)
