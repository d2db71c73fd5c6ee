"""Pseudo-instructions of one word: other names for what an instruction does with some operands
fixed. The assembler reads this table from left to right, the disassembler from right to left.

The names and meanings are GNU as's. An instruction has at most one name here that stands for a
given word, so that what the disassembler prints assembles to that very word again.
"""

import re
from dataclasses import dataclass
from functools import cache

from kseg.isa.instruction import Instruction
from kseg.isa.instruction_set import instruction_set
from kseg.isa.operands import Syntax, syntax_of
from kseg.isa.registers import GPR_NUMBERS

ALIASES = {
    "nop": "sll zero, zero, 0",
    "move d, s": "or d, s, zero",
    "not d, s": "nor d, s, zero",
    "neg d, t": "sub d, zero, t",
    "negu d, t": "subu d, zero, t",
    "li t, i": "addiu t, zero, i",
    "li t, u": "ori t, zero, u",
    "b b": "beq zero, zero, b",
    "beqz s, b": "beq s, zero, b",
    "bnez s, b": "bne s, zero, b",
    "bal b": "bgezal zero, b",
    "jalr s": "jalr ra, s",
}


@dataclass(frozen=True)
class Alias:
    """`syntax` stands for `instruction` with the `fixed` fields."""

    syntax: Syntax
    text: str
    meaning: str
    instruction: Instruction
    fixed: dict[str, int]

    def stands_for(self, fields: dict[str, int]) -> bool:
        """Does the assembler make an instruction with these fields of the alias?"""
        if any(fields[letter] != value for letter, value in self.fixed.items()):
            return False
        # `li` is an addiu wherever that can do it.
        return self.text != "li t, u" or fields["u"] >= 0x8000


def _parse(text: str, meaning: str, instructions: dict[str, Instruction]) -> Alias:
    mnemonic, _, operands = meaning.partition(" ")
    declared = instructions[mnemonic]
    fixed = {}
    letters = declared.syntax.partition(" ")[2].split(", ")
    for letter, operand in zip(letters, operands.split(", "), strict=True):
        if operand in GPR_NUMBERS or re.fullmatch(r"\d+", operand):
            fixed[letter] = GPR_NUMBERS[operand]
        elif operand != letter:
            raise ValueError(f"alias {text}: {operand} stands for {letter} in {meaning}")
    return Alias(syntax_of(text, declared.pattern), text, meaning, declared, fixed)


@cache
def aliases(profile_name: str) -> tuple[Alias, ...]:
    """Every alias, the most particular first."""
    instructions = instruction_set(profile_name).by_name
    found = [_parse(text, meaning, instructions) for text, meaning in ALIASES.items()]
    return tuple(sorted(found, key=lambda alias: -len(alias.fixed)))
