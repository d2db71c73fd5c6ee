"""Forms: everything a mnemonic can be followed by.

A form is either a declared instruction or a pseudo-instruction with the text it stands for. All
come from the declarations, `kseg.isa.aliases` and `macros`; nothing is encoded here by hand.
"""

from dataclasses import dataclass
from functools import cache, lru_cache

from kseg.isa.aliases import ALIASES
from kseg.isa.assembler.expression import Cursor, Symbol
from kseg.isa.assembler.lexer import Token, tokens_of
from kseg.isa.assembler.macros import LETTERS, MACROS, memory_macros
from kseg.isa.assembler.operand import RegisterNames, Written, read_operands
from kseg.isa.instruction import Instruction
from kseg.isa.instruction_set import instruction_set
from kseg.isa.operands import FLOAT, GENERAL, Syntax, parse_syntax, syntax_of

OPEN, CLOSE = "{", "}"
"""Around instructions that are neither moved nor separated."""


@dataclass(frozen=True)
class Form:
    """One way to write a mnemonic's operands."""

    syntax: Syntax
    text: str
    instruction: Instruction | None = None
    template: tuple[str, ...] = ()
    """Of a pseudo-instruction: the instructions it stands for, operands as letters."""
    always: bool = False
    """A branch that is always taken, by its name."""

    @property
    def destination_first(self) -> bool:
        """Three operands of which the first is written: ``addu d, s`` may stand for
        ``addu d, d, s``."""
        operands = self.syntax.operands
        return (
            len(operands) == 3
            and (operands[0].letter in "dtw" or operands[0].fixed is not None)
            and operands[1].kind in (GENERAL, FLOAT)
            and operands[2].letter != "b"
        )

    @property
    def takes_address(self) -> bool:
        return any(operand.letter == "a" for operand in self.syntax.operands)

    @property
    def uses_at(self) -> bool:
        """Does its template change register at?"""
        return any(token.text == "at" for part in self.template for token in tokens_of(part))

    @property
    def shown(self) -> str:
        """The text for an error, with a letter of the manual's for a number; "" for a form that
        is but a case of another."""
        mnemonic, _, operands = self.text.partition(" ")
        letters = [letter for letter in operands if letter.isalpha()]
        if self.instruction is None and ("zero" in operands or len(set(letters)) < len(letters)):
            return ""
        return f"{mnemonic} {operands.replace('x', 'i').replace('y', 'u')}".strip()


@dataclass(frozen=True, slots=True)
class Part:
    """One instruction of a template, its registers filled in."""

    label: str
    """Of the place before it, or ""."""
    mnemonic: str
    """Also OPEN or CLOSE; "" behind the last label."""
    operands: tuple[Written, ...]
    skips_to: str
    """The label that it branches to, or ""."""


@lru_cache(1 << 13)
def parts_of(form: Form, registers: tuple[tuple[str, int], ...], profile: str) -> tuple[Part, ...]:
    """A form's template; `registers` are the numbers of its letters."""
    numbers = {letter: Token("register", f"${number}") for letter, number in registers}
    if "t" in numbers:
        behind = (dict(registers)["t"] + 1) % 32
        numbers["tt"] = Token("register", f"${behind}")
    found = []
    for text in form.template:
        tokens, label = tokens_of(text), ""
        if len(tokens) > 1 and tokens[1].text == ":":
            label, tokens = tokens[0].text, tokens[2:]
        mnemonic = tokens[0].text if tokens else ""
        filled = tuple(numbers.get(token.text, token) for token in tokens[1:])
        operands = read_operands(Cursor(filled, lambda name: name), RegisterNames(profile))
        last = operands[-1] if operands else None
        skips_to = ""
        if isinstance(last, Symbol) and last.name[0].isdigit():
            skips_to = last.name[:-1]
        found.append(Part(label, mnemonic, tuple(operands), skips_to))
    return tuple(found)


@cache
def forms(profile: str) -> dict[str, tuple[Form, ...]]:
    """All forms of a profile by mnemonic, in the order in which they are tried."""
    found: dict[str, list[Form]] = {}
    texts = [*ALIASES.items(), *MACROS]
    for name, instruction in instruction_set(profile).by_name.items():
        syntax = syntax_of(instruction.syntax, instruction.pattern)
        found[name] = [Form(syntax, instruction.syntax, instruction)]
        if "i(s)" in instruction.syntax and "#" not in instruction.syntax:
            texts += memory_macros(name, instruction.syntax.split()[1].rstrip(","))
    for text, meaning in texts:
        template = tuple(part.strip() for part in meaning.split(";"))
        syntax = parse_syntax(text, extra=LETTERS)
        form = Form(syntax, text, None, template, always=syntax.mnemonic in ("b", "bal"))
        found.setdefault(syntax.mnemonic, []).append(form)
    return {name: tuple(forms_) for name, forms_ in found.items()}
