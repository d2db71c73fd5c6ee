"""Machine code: LLVM makes it, a file keeps it, and it is mapped executable as it is.

The modules that kseg generates refer to nothing outside themselves and have neither data nor
tables in memory, so that their object code is one run of bytes which can be put anywhere. What
is kept is that run and the names in it; loading it needs neither LLVM nor a linker.
"""

import ctypes
import mmap
from dataclasses import dataclass
from typing import Any

_SAME_SECTION_CALLS = {
    ("EM_X86_64", 2): 4,  # R_X86_64_PC32
    ("EM_X86_64", 4): 4,  # R_X86_64_PLT32
    ("EM_AARCH64", 282): 26,  # R_AARCH64_JUMP26
    ("EM_AARCH64", 283): 26,  # R_AARCH64_CALL26
}


class NativeCodeError(RuntimeError):
    """Object code is not of the kind that can be mapped as it is."""


@dataclass(frozen=True)
class Blob:
    """Position-independent machine code, and the offsets of its functions by name."""

    code: bytes
    symbols: dict[str, int]


class MappedCode:
    """A `Blob` mapped executable, read-only; `address` gives its functions."""

    def __init__(self, blob: Blob) -> None:
        size = -(-len(blob.code) // mmap.PAGESIZE) * mmap.PAGESIZE
        self._map = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._map[: len(blob.code)] = blob.code
        holder = ctypes.c_char.from_buffer(self._map)
        self.base = ctypes.addressof(holder)
        """The host address of its first byte."""
        self._symbols = blob.symbols
        libc = ctypes.CDLL(None, use_errno=True)
        protection = mmap.PROT_READ | mmap.PROT_EXEC
        if libc.mprotect(ctypes.c_void_p(self.base), ctypes.c_size_t(size), protection):
            code = ctypes.get_errno()
            raise NativeCodeError(f"this system lets no memory be made executable (errno {code})")

    def address(self, name: str) -> int:
        """The host address of a function."""
        return self.base + self._symbols[name]


def compile_module(text: str, optimisation: int = 2) -> Blob:
    """Compile LLVM IR to machine code for this kind of host; NativeCodeError if it cannot stand
    by itself. `optimisation` is LLVM's level for the passes over the IR."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    module = llvm.parse_assembly(text)
    # Nothing of the host beyond its kind is used, so that the code is good for every machine of
    # that kind that shares the cache.
    target = llvm.Target.from_default_triple()
    machine = target.create_target_machine(opt=2, reloc="pic", codemodel="small")
    module.triple = llvm.get_default_triple()
    module.data_layout = str(machine.target_data)
    options = llvm.create_pipeline_tuning_options(
        speed_level=optimisation,
    )
    options.loop_vectorization = False
    options.slp_vectorization = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return _extract(machine.emit_object(module))


def _extract(object_file: bytes) -> Blob:
    """The code of an ELF object whose relocations all lie within it."""
    import io

    from elftools.elf.elffile import ELFFile

    elf: Any = ELFFile(io.BytesIO(object_file))
    text = elf.get_section_by_name(".text")
    number = next(i for i, s in enumerate(elf.iter_sections()) if s.name == ".text")
    table = elf.get_section_by_name(".symtab")
    code = bytearray(text.data())
    relocations = elf.get_section_by_name(".rela.text")
    for relocation in relocations.iter_relocations() if relocations else ():
        symbol = table.get_symbol(relocation["r_info_sym"])
        if symbol["st_shndx"] != number:
            raise NativeCodeError(f"the code refers to {symbol.name or 'data'} outside itself")
        kind = (elf.header["e_machine"], relocation["r_info_type"])
        place = relocation["r_offset"]
        distance = symbol["st_value"] + relocation["r_addend"] - place
        _patch(code, place, distance, _SAME_SECTION_CALLS.get(kind, 0))
    symbols = {
        symbol.name: symbol["st_value"]
        for symbol in table.iter_symbols()
        if symbol["st_shndx"] == number and symbol["st_info"]["bind"] == "STB_GLOBAL"
    }
    return Blob(bytes(code), symbols)


def _patch(code: bytearray, place: int, distance: int, kind: int) -> None:
    """Write the distance to a function into the call at `place`."""
    if kind == 4:
        code[place : place + 4] = distance.to_bytes(4, "little", signed=True)
    elif kind == 26:
        word = int.from_bytes(code[place : place + 4], "little")
        word = (word & ~0x3FFFFFF) | (distance >> 2) & 0x3FFFFFF
        code[place : place + 4] = word.to_bytes(4, "little")
    else:
        raise NativeCodeError("the code has a relocation that kseg does not know")
