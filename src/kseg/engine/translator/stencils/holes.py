"""Holes as LLVM sees them: addresses of symbols that are not defined.

The code generator puts a relocation wherever it uses such an address. There are numbers of two
widths, because a code generator may extend the address of a symbol to 64 bits with zeros unless
it is told which range it lies in.
"""

import re

from kseg.engine.codegen.builder import HANDLER_CONVENTION, FunctionBuilder, Operand
from kseg.engine.codegen.value import Symbol
from kseg.engine.interpreter.convention import arguments
from kseg.engine.translator.stencils.stencil import signed_name

NEXT = "next"
"""Where control goes when it does not go anywhere else: behind the stencil."""


def wide(name: str) -> Operand:
    """The signed 32-bit number `name` as an i64."""
    return f"ptrtoint (ptr @wide_{name} to i64)"


def narrow(name: str) -> Operand:
    """The 32-bit number `name` as an i32."""
    return f"ptrtoint (ptr @narrow_{name} to i32)"


def variable(name: str) -> Operand:
    """A variable of the translation's, as a pointer."""
    return f"@at_{name}"


def place(name: str) -> Operand:
    """Code to which control goes, as a function of the handlers' convention."""
    return f"@at_{name}"


def low_word(b: FunctionBuilder, pointer: Operand) -> Operand:
    """The i32 that one of the pointers of the convention carries in a translation."""
    return b.emit(f"trunc i64 {b.emit(f'ptrtoint ptr {pointer} to i64')} to i32")


def as_pointer(b: FunctionBuilder, word: Operand) -> Operand:
    """The pointer that carries an i32."""
    return b.emit(f"inttoptr i64 {b.emit(f'zext i32 {word} to i64')} to ptr")


_SYMBOL = re.compile(r"@((wide|narrow|at)_(\w+))")


def name_of(symbol: str) -> str:
    """What the symbol of a hole was made from."""
    return symbol.partition("_")[2]


def declarations(text: str, variables: set[str]) -> str:
    """Declares every hole that a module's `text` uses; `variables` are those that are no code."""
    lines = ["!9 = !{i64 -2147483648, i64 2147483648}"]
    for symbol, kind, name in sorted(set(_SYMBOL.findall(text))):
        if kind == "wide":
            lines.append(f"@{symbol} = external dso_local global i8, !absolute_symbol !9")
        elif kind == "narrow":
            # Weak, for otherwise it could not be 0.
            lines.append(f"@{symbol} = extern_weak dso_local global i8")
        elif name in variables:
            lines.append(f"@{symbol} = external dso_local global i64")
        else:
            lines.append(f"declare dso_local {HANDLER_CONVENTION} i32 @{symbol}({arguments()})")
    return "\n".join(lines) + "\n"


class Immediate(Symbol):
    """A 16-bit operand; extended, it is another hole, so that no code need extend it."""

    def __init__(self, builder: FunctionBuilder, letter: str) -> None:
        self._letter = letter
        super().__init__(builder, (0, 0xFFFF), emit32=lambda: narrow(letter))

    def signed(self, bits: int) -> Symbol:
        if bits != 16:
            return super().signed(bits)
        name = signed_name(self._letter)
        return Symbol(self.builder, (-0x8000, 0x7FFF), emit32=lambda: narrow(name))
