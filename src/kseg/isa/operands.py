"""Operands as assembly text: what a syntax's letters stand for, what fits, and how they print.

The disassembler prints with these kinds, the assembler checks with them, the manual explains
them. The *value* of an operand is what an assembly program writes (a branch's target address, a
signed displacement); the *field* is what stands in the instruction.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from kseg.isa.pattern import Pattern
from kseg.isa.registers import GPR_NAMES, GPR_NUMBERS
from kseg.isa.values import signed


class OperandError(ValueError):
    """An operand's value does not fit; the text says what would."""


@dataclass(frozen=True)
class OperandKind:
    describes: str
    text: Callable[[int], str]
    """How a value is printed."""
    to_field: Callable[[int, int], int]
    """Field from value and the instruction's address; OperandError when it does not fit."""
    from_field: Callable[[int, int], int]
    """Value from field and the instruction's address."""
    is_register: bool = False


def _range(low: int, high: int) -> Callable[[int, int], int]:
    def to_field(value: int, _address: int) -> int:
        if not low <= value <= high:
            raise OperandError(f"{value} is not from {low} to {high}")
        return value

    return to_field


def unchanged(field: int, _address: int) -> int:
    """Value and field are the same number."""
    return field


def _number(describes: str, bits: int, text: Callable[[int], str] = str) -> OperandKind:
    return OperandKind(describes, text, _range(0, (1 << bits) - 1), unchanged)


def _register(describes: str, text: Callable[[int], str]) -> OperandKind:
    return OperandKind(describes, text, _range(0, 31), unchanged, is_register=True)


def _signed_to_field(value: int, address: int) -> int:
    return _range(-0x8000, 0x7FFF)(value, address) & 0xFFFF


def _branch_to_field(target: int, address: int) -> int:
    distance: int = signed(target - (address + 4))
    if distance & 3:
        raise OperandError(f"branch target {target & 0xFFFFFFFF:#010x} is not a multiple of 4")
    if not -0x20000 <= distance < 0x20000:
        raise OperandError(
            f"branch target {target & 0xFFFFFFFF:#010x} is {distance} bytes away, "
            "not from -131072 to 131068"
        )
    return (distance >> 2) & 0xFFFF


def _branch_from_field(offset: int, address: int) -> int:
    return (address + 4 + (int(signed(offset, 16)) << 2)) & 0xFFFFFFFF


def _jump_to_field(target: int, address: int) -> int:
    if target & 3:
        raise OperandError(f"jump target {target & 0xFFFFFFFF:#010x} is not a multiple of 4")
    if (target ^ (address + 4)) & 0xF0000000:
        raise OperandError(
            f"jump target {target & 0xFFFFFFFF:#010x} is not in the 256 MiB of the delay slot"
        )
    return (target >> 2) & 0x3FFFFFF


def _region_jump_to_field(target: int, _address: int) -> int:
    if target & 3:
        raise OperandError(f"jump target {target:#010x} is not a multiple of 4")
    return target >> 2 & 0x3FFFFFF


def _jump_from_field(index: int, address: int) -> int:
    return ((address + 4) & 0xF0000000) | index << 2


_CO = 1 << 25
"""Set in every operation of a coprocessor, and left out of its number; so the number of what is
none, but a move or a branch, is larger."""


def _operation_to_field(value: int, address: int) -> int:
    return _range(0, 2 * _CO - 1)(value, address) ^ _CO


def _operation_from_field(field: int, _address: int) -> int:
    return field ^ _CO


def _address_text(value: int) -> str:
    return f"{value:#010x}"


GENERAL = _register("general register", lambda number: GPR_NAMES[number])
UNIT = _register("register of a coprocessor", lambda number: f"${number}")
FLOAT = _register("floating-point register", lambda number: f"$f{number}")
CONTROL = _register("CP0 register", lambda number: f"${number}")
SIGNED = OperandKind(
    "signed 16-bit number", str, _signed_to_field, lambda field, _: signed(field, 16)
)
BRANCH = OperandKind("branch target", _address_text, _branch_to_field, _branch_from_field)
JUMP = OperandKind("jump target", _address_text, _jump_to_field, _jump_from_field)
REGION_JUMP = OperandKind(
    "jump target as an offset in the 256 MiB of the delay slot",
    _address_text,
    _region_jump_to_field,
    lambda index, _: index << 2,
)

LETTERS: dict[str, OperandKind] = {
    "s": GENERAL,
    "t": GENERAL,
    "d": GENERAL,
    "i": SIGNED,
    "u": _number("unsigned 16-bit number", 16, hex),
    "b": BRANCH,
    "j": JUMP,
    "h": _number("shift amount, 0 to 31", 5),
    "f": OperandKind(
        "operation of a coprocessor, 25 bits", hex, _operation_to_field, _operation_from_field
    ),
    "q": _number("code for software, left out if 0", 10, hex),
    "r": CONTROL,
    "v": FLOAT,
    "w": FLOAT,
    "e": _number("select, left out if 0", 3),
}
OPTIONAL = "ceq"
"""Letters of operands that may be left out at the end, when they are 0."""


@dataclass(frozen=True)
class Operand:
    """One operand of a syntax: the field `letter`, and for ``i(s)`` the `base` register's."""

    letter: str
    kind: OperandKind
    base: str | None = None
    fixed: int | None = None
    """The register's number, where the syntax names one."""

    @property
    def optional(self) -> bool:
        return self.letter in OPTIONAL


@dataclass(frozen=True)
class Syntax:
    """A parsed syntax such as ``lw t, i(s)``."""

    mnemonic: str
    operands: tuple[Operand, ...]

    @property
    def required(self) -> int:
        return sum(not operand.optional for operand in self.operands)


def _operand(text: str, code_bits: int, extra: dict[str, OperandKind]) -> Operand:
    if match := re.fullmatch(r"(\w)\((\w)\)", text):
        return Operand(match[1], {**LETTERS, **extra}[match[1]], base=match[2])
    if text in GPR_NUMBERS and len(text) > 1:
        return Operand(text, GENERAL, fixed=GPR_NUMBERS[text])
    letter = text[-1]
    prefixes = {"#": _number("operation, 0 to 31", 5), "$": UNIT, "$f": FLOAT}
    if len(text) > 1:
        return Operand(letter, prefixes[text[:-1]])
    if letter == "c":
        return Operand(letter, _number("code for software, left out if 0", code_bits, hex))
    return Operand(letter, {**LETTERS, **extra}[letter])


def parse_syntax(
    syntax: str, code_bits: int = 20, extra: dict[str, OperandKind] | None = None
) -> Syntax:
    """Take apart a declaration's syntax; KeyError for a letter that is not known.

    `code_bits` is the width of field c; `extra` adds kinds for letters of the caller's own.
    """
    mnemonic, _, rest = syntax.partition(" ")
    texts = [text.strip() for text in rest.split(",")] if rest else []
    return Syntax(mnemonic, tuple(_operand(text, code_bits, extra or {}) for text in texts))


@cache
def syntax_of(text: str, pattern: Pattern) -> Syntax:
    """A syntax of what has a pattern: the width of its field c differs between instructions."""
    return parse_syntax(text, pattern.text.count("c"))
