"""Disassembler: one instruction word as assembly text, from the declarations' syntax.

The style is GNU objdump's, with addresses written so that the assembler reads them back. A
pseudo-instruction is printed only where the assembler makes that very word of it.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from functools import cache

from kseg.isa import cp0
from kseg.isa.aliases import Alias, aliases
from kseg.isa.instruction import Instruction
from kseg.isa.instruction_set import instruction_set
from kseg.isa.operands import (
    BRANCH,
    CONTROL,
    GENERAL,
    JUMP,
    Operand,
    Syntax,
    syntax_of,
)
from kseg.isa.profile import profile_named
from kseg.isa.values import signed

Symbols = Callable[[int], str | None]
"""What to call an address, such as ``main`` or ``main+0x10``; None for its number."""


def disassemble(
    word: int,
    address: int = 0,
    profile: str = "r3000",
    symbols: Symbols | None = None,
    *,
    pseudo: bool = True,
    relative: bool = False,
) -> str:
    """The instruction `word` at `address` as text, like ``addu v0,a0,a1``.

    `symbols` names the targets of branches and jumps; `pseudo` allows names such as `nop` and
    `move`; `relative` writes a branch's target as a distance, ``.+8``, whatever the address. A
    reserved word reads ``.word 0x…``, and so does one with bits set that the processor ignores;
    behind it stands what it does, as a comment. What this returns is assembled to the same word.
    ValueError if `word` is not a 32-bit number.
    """
    if not 0 <= word < 1 << 32:
        raise ValueError(f"{word} is not a 32-bit word")
    encoding = instruction_set(profile).decode(word)
    if encoding is None:
        return f".word {word:#010x}"
    declared = encoding.instruction
    fields = {letter: field.extract(word) for letter, field in encoding.pattern.fields.items()}
    syntax = syntax_of(declared.syntax, declared.pattern)
    if pseudo and (alias := _alias(declared, profile, fields)):
        syntax = alias.syntax
    text = _Printer(profile, address, fields, symbols, relative).text(syntax)
    if encode(declared, fields) != word:
        return f".word {word:#010x}  # {text}"
    return text


def encode(declared: Instruction, fields: Mapping[str, int]) -> int:
    """The instruction's word with these fields, and zeros where the processor ignores bits."""
    word = declared.pattern.match
    for letter, field in declared.pattern.fields.items():
        word |= field.insert(fields[letter])
    return word


def nearest(symbols: Mapping[str, int], reach: int = 0x10000) -> Symbols:
    """Names for addresses from a table of symbols: ``name``, or ``name+0x…`` up to `reach`
    bytes behind it."""
    ordered = sorted((address, name) for name, address in symbols.items())
    addresses = [address for address, _ in ordered]

    def name_of(address: int) -> str | None:
        index = bisect_right(addresses, address) - 1
        if index < 0 or address - addresses[index] >= reach:
            return None
        # Of several names for one address, the first in the alphabet.
        while index and addresses[index - 1] == addresses[index]:
            index -= 1
        base, name = ordered[index]
        return name if base == address else f"{name}+{address - base:#x}"

    return name_of


@cache
def register_names(profile: str) -> dict[tuple[int, int], str]:
    """The profile's CP0 registers as assembly names them, by (number, select)."""
    registers = cp0.REGISTERS[profile_named(profile).family]
    return {key: f"c0_{register.name}" for key, register in registers.items()}


@cache
def _aliases_by_instruction(profile: str) -> dict[str, list[Alias]]:
    found: dict[str, list[Alias]] = {}
    for alias in aliases(profile):
        found.setdefault(alias.instruction.name, []).append(alias)
    return found


def _alias(declared: Instruction, profile: str, fields: dict[str, int]) -> Alias | None:
    for alias in _aliases_by_instruction(profile).get(declared.name, ()):
        if alias.stands_for(fields):
            return alias
    return None


class _Printer:
    """Prints the operands of one instruction."""

    def __init__(
        self,
        profile: str,
        address: int,
        fields: dict[str, int],
        symbols: Symbols | None,
        relative: bool,
    ) -> None:
        self.profile, self.address, self.fields, self.symbols = profile, address, fields, symbols
        self.relative = relative

    def text(self, syntax: Syntax) -> str:
        operands = list(syntax.operands)
        while operands and operands[-1].optional and not self.fields[operands[-1].letter]:
            operands.pop()
        if any(operand.kind is CONTROL for operand in operands):
            texts = self._control(operands)
        else:
            texts = [self._operand(operand) for operand in operands]
        return f"{syntax.mnemonic} {','.join(texts)}".rstrip()

    def _control(self, operands: list[Operand]) -> list[str]:
        """General register, then the CP0 register by name if that says the select too."""
        select = self.fields["e"]
        name = register_names(self.profile).get((self.fields["r"], select))
        if name is None:
            return [self._operand(operand) for operand in operands]
        return [self._operand(operands[0]), name]

    def _operand(self, operand: Operand) -> str:
        kind = operand.kind
        if operand.fixed is not None:
            return kind.text(operand.fixed)
        value = kind.from_field(self.fields[operand.letter], self.address)
        if kind is BRANCH and self.relative:
            return f".{signed(value - self.address):+d}"
        if kind in (BRANCH, JUMP) and self.symbols and (name := self.symbols(value)):
            return name
        text = kind.text(value)
        if operand.base is not None:
            return f"{text}({GENERAL.text(self.fields[operand.base])})"
        return text
