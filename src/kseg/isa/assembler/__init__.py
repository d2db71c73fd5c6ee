"""Assembler: R3000 assembly text to a program, enough for tests and for small programs.

Reading order: `lexer`, `expression`, `operand`, `statement` (text to statements), `macros` and
`forms` (what a mnemonic can mean), `layout` and `assembly` (statements to bytes), `program`, `elf`.

The language is GNU as's, as far as it goes, with these differences:

* What is written is what comes out. Delay slots are never filled, load delays never padded;
  ``.set reorder`` is accepted and changes nothing.
* Registers may be written without the dollar sign (``a0``), so labels cannot have their names.
* An expression's operators bind as in C.
* There are four sections, laid out behind one another in the order .text, .rodata, .data, .bss;
  ``.org`` takes an address. Nothing is linked: every name must be defined in the source.
* The C preprocessor does not run; a ``#`` begins a comment.
"""

from kseg.isa.assembler.assembly import Assembly, AssemblyError
from kseg.isa.assembler.program import Program
from kseg.isa.profile import profile_named

__all__ = ["AssemblyError", "Program", "assemble"]


def assemble(
    source: str,
    origin: int = 0x80001000,
    byte_order: str = "big",
    profile: str = "mips161",
    name: str = "<string>",
) -> Program:
    """Assemble `source`, which is to lie at address `origin`.

    `byte_order` is "big" or "little"; `name` is what errors call the source. Raises
    AssemblyError, with every error that was found, and ValueError for arguments that cannot be.
    """
    profile_named(profile)
    if byte_order not in ("big", "little"):
        raise ValueError(f"no byte order {byte_order!r}; there are: big, little")
    if not 0 <= origin < 1 << 32 or origin % 4:
        raise ValueError(f"origin {origin:#x} is not a 32-bit address and a multiple of 4")
    return Assembly(source, origin, byte_order, profile, name).assemble()
