"""The operand fields of an instruction, as its entry holds them."""

from typing import Any

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.codegen.value import Symbol
from kseg.engine.interpreter.layout import ENTRY_FIELDS, ENTRY_WORD


class RegisterField(Symbol):
    """A register operand: its number as a value, its byte offset for access."""

    def __init__(self, builder: FunctionBuilder, letter: str) -> None:
        self.letter = letter
        super().__init__(
            builder, (0, 31), emit32=lambda: builder.emit(f"lshr i32 {self.byte_offset()}, 2")
        )

    def byte_offset(self) -> Operand:
        """The field in the entry, an i32: four times the register's number."""
        key = (self.letter, "offset")
        known = self.builder.known(key)
        if known is None:
            narrow = self.builder.load("i8", "%entry", ENTRY_FIELDS[self.letter])
            known = self.builder.remember(key, self.builder.emit(f"zext i8 {narrow} to i32"))
        return known


def operand_symbols(
    b: FunctionBuilder, operands: tuple[str, ...], constants: dict[str, int]
) -> list[Any]:
    """The operand fields of an instruction, from its entry."""
    values: list[Any] = []
    for letter in operands:
        if letter in constants:
            values.append(constants[letter])
        elif letter in ENTRY_FIELDS:
            values.append(RegisterField(b, letter))
        elif letter in "iub":
            half = b.load("i16", "%entry", ENTRY_WORD)
            values.append(Symbol.of_i32(b, b.emit(f"zext i16 {half} to i32"), (0, 0xFFFF)))
        else:
            word = Symbol.of_i32(b, b.load("i32", "%entry", ENTRY_WORD))
            fields = {"j": word & 0x3FFFFFF, "h": word >> 6 & 31, "w": word >> 6 & 31}
            fields["v"] = word >> 11 & 31
            values.append(fields[letter])
    return values
