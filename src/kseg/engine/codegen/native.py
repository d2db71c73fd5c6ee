"""Machine code: LLVM makes it, a file keeps it, and it is mapped executable as it is.

The modules that kseg generates refer to nothing outside themselves and have neither data nor
tables in memory, so that their object code is one run of bytes which can be put anywhere. What
is kept is that run and the names in it; loading it needs neither LLVM nor a linker.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kseg.engine.codegen import targets
from kseg.platform import host
from kseg.platform.code import CodeMemory, NativeCodeError

if TYPE_CHECKING:
    from kseg.engine.codegen.targets.target import Target

_ALLOCATED = 2
"""SHF_ALLOC: the section is part of the program."""


@dataclass(frozen=True)
class Blob:
    """Position-independent machine code, and the offsets of its functions by name. Its place must
    be a multiple of 4096."""

    code: bytes
    symbols: dict[str, int]


class MappedCode:
    """A `Blob` mapped executable, read-only; `address` gives its functions."""

    def __init__(self, blob: Blob) -> None:
        self._memory = CodeMemory(len(blob.code))
        self._memory.write(0, blob.code)
        self.base = self._memory.address
        """The host address of its first byte."""
        self._symbols = blob.symbols

    def address(self, name: str) -> int:
        """The host address of a function."""
        return self.base + self._symbols[name]


def compile_module(text: str, target: "Target | None" = None) -> Blob:
    """Compile LLVM IR to machine code, for this kind of host unless a target is named, as well as
    LLVM can; NativeCodeError if it cannot stand by itself. The text may call `@enter_code()`."""
    import llvmlite.binding as llvm

    target = target or targets.native()
    machine = target_machine(target=target)
    module = parse(target.prelude + text, machine)
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization = False
    options.slp_vectorization = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return extract(machine.emit_object(module), target)


def target_machine(
    level: int = 2, cpu: str = "", relocation: str = "pic", target: "Target | None" = None
) -> Any:
    """A code generator at LLVM's level 0 to 3 for a target, by default this kind of host, or for
    `cpu` ("host": this very one); `relocation` is LLVM's relocation model."""
    import llvmlite.binding as llvm

    target = target or targets.native()
    if target.name == host.PROCESSOR:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
    else:  # which takes some milliseconds more
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()
    features = target.features
    if cpu == "host":
        cpu = llvm.get_host_cpu_name()
        features = ",".join(filter(None, (llvm.get_host_cpu_features().flatten(), features)))
    return llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=cpu, features=features, opt=level, reloc=relocation, codemodel="small"
    )


def parse(text: str, machine: Any) -> Any:
    """A module of LLVM IR for a code generator."""
    import llvmlite.binding as llvm

    module = llvm.parse_assembly(text)
    module.triple = machine.triple
    module.data_layout = str(machine.target_data)
    # LLVM ends the process when it stumbles over code that is not well-formed; this raises.
    module.verify()
    return module


def extract(object_file: bytes, target: "Target | None" = None) -> Blob:
    """The code of an ELF object for a target, by default this kind of host, followed by its data
    if it has any; all its relocations must lie within."""
    import io

    from elftools.elf.elffile import ELFFile

    target = target or targets.native()
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
