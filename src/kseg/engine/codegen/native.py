"""Machine code: LLVM makes it, a file keeps it, and it is mapped executable as it is.

The modules that kseg generates refer to nothing outside themselves and have neither data nor
tables in memory, so that their object code is one run of bytes which can be put anywhere. What
is kept is that run and the names in it; loading it needs neither LLVM nor a linker.
"""

import ctypes
import mmap
from dataclasses import dataclass
from typing import Any

_ALLOCATED = 2
"""SHF_ALLOC: the section is part of the program."""

_SAME_IMAGE = {
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


def compile_module(text: str) -> Blob:
    """Compile LLVM IR to machine code for this kind of host, as well as LLVM can; NativeCodeError
    if it cannot stand by itself."""
    import llvmlite.binding as llvm

    machine = target_machine()
    module = parse(text, machine)
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization = False
    options.slp_vectorization = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return extract(machine.emit_object(module))


def target_machine(level: int = 2, cpu: str = "", relocation: str = "pic") -> Any:
    """A code generator at LLVM's level 0 to 3 for this kind of host, or for `cpu` ("host": this
    very one); `relocation` is LLVM's relocation model."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    features = ""
    if cpu == "host":
        cpu, features = llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
    return target.create_target_machine(
        cpu=cpu, features=features, opt=level, reloc=relocation, codemodel="small"
    )


def parse(text: str, machine: Any) -> Any:
    """A module of LLVM IR for a code generator."""
    import llvmlite.binding as llvm

    module = llvm.parse_assembly(text)
    module.triple = llvm.get_default_triple()
    module.data_layout = str(machine.target_data)
    # LLVM ends the process when it stumbles over code that is not well-formed; this raises.
    module.verify()
    return module


def extract(object_file: bytes) -> Blob:
    """The code of an ELF object, followed by its data if it has any; all its relocations must lie
    within."""
    import io

    from elftools.elf.elffile import ELFFile

    elf: Any = ELFFile(io.BytesIO(object_file))
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
            kind = (elf.header["e_machine"], relocation["r_info_type"])
            place = places[section["sh_info"]] + relocation["r_offset"]
            target = places[symbol["st_shndx"]] + symbol["st_value"]
            distance = target + relocation["r_addend"] - place
            _patch(image, place, distance, _SAME_IMAGE.get(kind, 0))
    symbols = {
        symbol.name: places[symbol["st_shndx"]] + symbol["st_value"]
        for symbol in table.iter_symbols()
        if symbol["st_shndx"] in places and symbol["st_info"]["bind"] == "STB_GLOBAL"
    }
    return Blob(bytes(image), symbols)


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
