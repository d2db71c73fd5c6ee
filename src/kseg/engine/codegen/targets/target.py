"""What is different between the processors that native code is made for."""

from collections.abc import Callable
from dataclasses import dataclass

Relocate = Callable[[bytearray, int, int, int], None]
"""Writes an address into an image: of the image, the relocation's number, its place, and what it
refers to, addend included. Places and addresses are offsets in the image, which will lie at a
multiple of 4096. NativeCodeError where that cannot be done."""


@dataclass(frozen=True)
class Target:
    """A kind of processor."""

    name: str
    """As Linux calls it."""
    triple: str
    """LLVM's. Always one whose objects are ELF files, whatever the host's are: only the bytes of
    the code are taken from them."""
    elf_machine: str
    """Its name in the header of an ELF file, as pyelftools has it."""
    relocate: Relocate
    handler_convention: str
    """LLVM's calling convention of handlers and translations, which pass on all that they know in
    ten arguments and end with a jump: one that keeps those in registers and saves none."""
    prelude: str
    """LLVM IR that defines `@enter_code()`: what a core does before it enters code that may have
    been written since it last did; and `@host_ticks()`: a counter that a program can read, an
    i64."""
    features: str = ""
    """LLVM's features, always wanted."""
    has_stencils: bool = False
    """Can native code be made by copying stencils? Their operands are 32 bits wide."""
