"""Sections: what a name and its flags say, and the order in which they lie."""

from dataclasses import dataclass, field

from kseg.isa.assembler.problem import SourceError

OUTPUT = (".text", ".rodata", ".data", ".sdata", ".sbss", ".bss")
"""Sections whose parts, such as .text.startup, lie behind one another in one of that name."""
_CODE, _READ_ONLY, _WRITABLE, _ZERO = ".text", ".rodata", ".data", ".bss"
_FLAGS = {
    **dict.fromkeys((".text", ".init", ".fini"), "ax"),
    ".rodata": "a",
    **dict.fromkeys((".data", ".sdata", ".ctors", ".dtors", ".lit4", ".lit8"), "aw"),
    **dict.fromkeys((".init_array", ".fini_array", ".preinit_array"), "aw"),
    **dict.fromkeys((".bss", ".sbss"), "awN"),
    **dict.fromkeys((".comment", ".note", ".pdr", ".reginfo", ".stab", ".stabstr"), ""),
    **dict.fromkeys((".mdebug", ".debug", ".gnu", ".MIPS", ".gcc_compiled_long32"), ""),
}  # fmt: skip
MOST_SUBSECTION = 8192


@dataclass(frozen=True, slots=True)
class Section:
    """One section: `name` as written, and where it goes."""

    name: str
    output: str
    """The section of the program that it is part of."""
    rank: float
    """Its output's place among the others."""
    kept: bool = True
    """Is it part of the program?"""
    zero: bool = False
    """Can it hold nothing but zeros?"""
    code: bool = False


def section_named(name: str, flags: str | None = None, nobits: bool = False) -> Section:
    """The section of that name; SourceError if neither name nor flags say what it holds."""
    first = "." + name.lstrip(".").split(".")[0]
    for prefix in (".debug", ".gnu.linkonce"):
        if name.startswith(prefix):
            first = prefix
    if first == ".gnu.linkonce":
        raise SourceError(f"{name}: linkonce sections need a linker")
    if flags is None:
        flags = _FLAGS.get(first if name.startswith(".") else name)
        if flags is None and first.startswith(".debug"):
            flags = ""
        if flags is None:
            raise SourceError(f'section {name} needs flags, such as .section {name},"aw"')
    nobits = nobits or "N" in flags or first in (".bss", ".sbss")
    if "a" not in flags and first not in OUTPUT:
        return Section(name, name, len(OUTPUT) + 1, kept=False)
    if first in OUTPUT and name.startswith("."):
        code = first == ".text"
        return Section(name, first, OUTPUT.index(first), zero=nobits, code=code)
    group = (
        _ZERO if nobits else _CODE if "x" in flags else _WRITABLE if "w" in flags else _READ_ONLY
    )
    return Section(name, name, OUTPUT.index(group) + 0.5, zero=nobits, code="x" in flags)


@dataclass
class Piece:
    """One subsection in a pass: where it starts, and what is in it so far."""

    section: Section
    number: int
    base: int
    data: bytearray = field(default_factory=bytearray)
    alignment: int = 1

    @property
    def end(self) -> int:
        """The address behind what is in it."""
        return self.base + len(self.data)

    @property
    def key(self) -> tuple[str, int]:
        return self.section.name, self.number
