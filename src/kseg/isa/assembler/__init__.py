"""Assembler: R3000 assembly text to a program, in the language of GNU as.

Reading order: `source`, `text_macro` and `reader` (text to statements), `lexer`, `expression`,
`operand`, `statement` (what a statement says), `directives`, `macros` and `forms` (what names can
mean), `expansion` (one statement to instructions), `hazards` and `schedule` (their order),
`layout` and `assembly` (statements to bytes), `program`, `elf`.

What is accepted means what it means to GNU as (``-march=r3000 -G0``), or is refused. There are
these differences:

* Delay slots are filled and hazards covered only after ``.set reorder``, or with `reorder`.
* Registers may be written without the dollar sign (``a0``), so labels cannot have their names.
* What `kseg disasm` prints is read, addresses and words before the instructions included.
* Sections lie behind one another from `origin` on. Nothing is linked: every name must be defined
  in the source.
* The C preprocessor does not run; a ``#`` begins a comment.
"""

from kseg.isa.assembler.assembly import Assembly
from kseg.isa.assembler.problem import AssemblyError
from kseg.isa.assembler.program import Program
from kseg.isa.assembler.reader import Files
from kseg.isa.profile import profile_named

__all__ = ["AssemblyError", "Files", "Program", "assemble"]


def assemble(
    source: str,
    origin: int | None = None,
    byte_order: str = "big",
    profile: str = "mips161",
    name: str = "<string>",
    *,
    reorder: bool = False,
    files: Files | None = None,
) -> Program:
    """Assemble `source`, which is to lie at address `origin`: by default 0x80001000, or, if it is
    what `kseg disasm` prints, where that was.

    `byte_order` is "big" or "little"; `name` is what errors call the source. `reorder` begins
    with ``.set reorder``, as GNU as does. `files` reads what .include and .incbin name; without
    it they are errors. Raises AssemblyError, with every error that was found, and ValueError for
    arguments that cannot be.
    """
    profile_named(profile)
    if byte_order not in ("big", "little"):
        raise ValueError(f"no byte order {byte_order!r}; there are: big, little")
    if origin is not None and (not 0 <= origin < 1 << 32 or origin % 4):
        raise ValueError(f"origin {origin:#x} is not a 32-bit address and a multiple of 4")
    return Assembly(source, origin, byte_order, profile, name, reorder, files).assemble()
