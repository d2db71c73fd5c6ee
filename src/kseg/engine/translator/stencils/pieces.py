"""Stencils with an instruction's operands filled in: the same word gives the same code."""

import struct
from dataclasses import dataclass

from kseg.engine.interpreter.layout import STATE_OFFSETS
from kseg.engine.translator.effects import Effects
from kseg.engine.translator.offsets import register_offset
from kseg.engine.translator.stencils.stencil import (
    IN_ACCUMULATOR,
    IN_MEMORY,
    NONE_PENDING,
    OTHER_PENDING,
    SAME_PENDING,
    ZERO,
    Patch,
    Stencil,
    StencilImage,
    signed_name,
    stencil_name,
)
from kseg.isa.instruction_set import InstructionSet
from kseg.isa.values import WORD

UNCHANGED = -1
_KEPT = 1 << 16
_NUMBER = struct.Struct("<I")


class NoStencil(LookupError):
    """There is no stencil for an instruction; the interpreter must execute it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Native code for one instruction, but for where control goes."""

    code: bytes
    distances: list[Patch]
    accumulator: int
    """The register whose value it leaves in the accumulator, 0 for none, or UNCHANGED."""
    loads: bool
    """What it loads is pending afterwards."""


def filled(stencil: Stencil, values: dict[str, int]) -> bytearray:
    """A copy of a stencil's code with these numbers in its holes."""
    code = bytearray(stencil.code)
    for offset, name, addend in stencil.holes:
        _NUMBER.pack_into(code, offset, values[name] + addend & WORD)
    return code


class Pieces:
    """Makes pieces, and remembers them."""

    def __init__(self, image: StencilImage, instructions: InstructionSet) -> None:
        self._image, self._instructions = image, instructions
        self._known: dict[tuple[int, int, int], Piece] = {}
        self._rows: list[list[tuple[int, int, str]]] = [
            [
                (mask, match, name)
                for name, family in image.families.items()
                for mask, match in family.patterns
                if major & (mask >> 26) == match >> 26
            ]
            for major in range(64)
        ]
        """By major opcode: the operations, the more specific first."""

    def piece(self, word: int, does: Effects, accumulator: int, pending: int) -> Piece:
        """The code for the instruction `word`, with these registers (0 for none) in the
        accumulator and waiting for a load; NoStencil if there is none."""
        key = word, accumulator, pending
        known = self._known.get(key)
        if known is None:
            if len(self._known) > _KEPT:
                self._known.clear()
            known = self._constant(does) if does.is_constant else self.assembled(*key, does)
            self._known[key] = known
        return known

    def constant(self, register: int, value: int) -> bytes:
        """The code that gives a register a value, also in the accumulator."""
        values = {"p": register_offset(register), "value": value}
        return bytes(filled(self._image.stencils["constant"], values))

    def _constant(self, does: Effects) -> Piece:
        code, last = b"", UNCHANGED
        for register, value in does.constants.items():
            code += self.constant(register, value)
            last = register
        return Piece(code, [], last, loads=False)

    def assembled(self, word: int, accumulator: int, pending: int, does: Effects) -> Piece:
        operation = self._operation(word)
        family = self._image.families[operation]
        encoding = self._instructions.decode(word)
        assert encoding is not None
        operands = {
            letter: field.extract(word) for letter, field in encoding.pattern.fields.items()
        }
        values = {letter: _offset(operands[letter]) for letter in "std" if letter in operands}
        for letter in "iub":
            if letter in operands:
                values[letter] = operands[letter]
                values[signed_name(letter)] = (operands[letter] ^ 0x8000) - 0x8000
        values["p"] = register_offset(pending)
        places = [(letter, _place(operands[letter], accumulator)) for letter in family.reads]
        spelled = [(letter, operands[letter]) for letter in family.spelled]
        state = NONE_PENDING
        if family.loads and pending:
            state = SAME_PENDING if pending in does.loads else OTHER_PENDING
        stencil = self._image.stencils[stencil_name(operation, places, spelled, state)]
        code = bytes(filled(stencil, values))
        result = operands[family.result] if family.result else UNCHANGED
        return Piece(code, stencil.distances, result, family.loads)

    def _operation(self, word: int) -> str:
        for mask, match, name in self._rows[word >> 26]:
            if word & mask == match:
                return name
        raise NoStencil(f"{word:08x}")


def _offset(register: int) -> int:
    """Where a register is read or written: writes to register 0 go where they do no harm."""
    return register_offset(register) if register else STATE_OFFSETS["discard"]


def _place(register: int, accumulator: int) -> str:
    if register == 0:
        return ZERO
    return IN_ACCUMULATOR if register == accumulator else IN_MEMORY
