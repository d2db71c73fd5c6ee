"""Forms: everything a mnemonic can be followed by, and how it becomes instruction words.

A form is either a declared instruction or a pseudo-instruction with the text it stands for. All
come from the declarations, `kseg.isa.aliases` and `macros`; nothing is encoded here by hand.
"""

from dataclasses import dataclass, field
from functools import cache

from kseg.isa.aliases import ALIASES
from kseg.isa.assembler.expression import Cursor, Expression, Lookup, Unary, evaluate
from kseg.isa.assembler.lexer import SourceError, Token, statements
from kseg.isa.assembler.macros import LETTERS, MACROS, memory_macros
from kseg.isa.assembler.operand import Address, Register, Written, read_operands
from kseg.isa.disassembler import encode
from kseg.isa.instruction import Instruction
from kseg.isa.instruction_set import instruction_set
from kseg.isa.operands import (
    BRANCH,
    CONTROL,
    FLOAT,
    GENERAL,
    JUMP,
    UNIT,
    Kind,
    Operand,
    Syntax,
    code_bits,
    parse_syntax,
)

_UNLIMITED = (BRANCH, JUMP, LETTERS["w"], LETTERS["a"])
_HALVES = ("%hi", "%lo")
_UNITS = {GENERAL: "general", FLOAT: "float", CONTROL: "control", UNIT: ""}


@dataclass(frozen=True)
class Form:
    """One way to write a mnemonic's operands."""

    syntax: Syntax
    text: str
    instruction: Instruction | None = None
    template: tuple[tuple[Token, ...], ...] = ()
    """Of a pseudo-instruction: the instructions it stands for, operands as letters."""
    distinct: bool = False
    """Only where registers s and t differ and t is not register zero."""

    @property
    def destination_first(self) -> bool:
        """Three operands of which the first is written: ``addu d, s`` may stand for
        ``addu d, d, s``."""
        operands = self.syntax.operands
        return (
            len(operands) == 3
            and operands[0].letter in "dt"
            and operands[1].kind is GENERAL
            and operands[2].letter not in "b"
        )


@dataclass
class Binding:
    """The operands of a statement, as a form's letters."""

    registers: dict[str, int] = field(default_factory=dict)
    expressions: dict[str, tuple[Kind, Expression]] = field(default_factory=dict)
    tokens: dict[str, tuple[Token, ...]] = field(default_factory=dict)
    selects: int | None = None

    def values(self, lookup: Lookup, address: int) -> dict[str, int]:
        """The fields by letter, checked; UndefinedError or OperandError where one is not there."""
        found = dict(self.registers)
        for letter in self.expressions:
            found[letter] = self._field(letter, lookup, address)
        if self.selects is not None:
            found["e"] = self.selects
        return found

    def check(self, lookup: Lookup) -> None:
        """Raise what `values` would, but for operands that depend on the address."""
        for letter, (kind, _) in self.expressions.items():
            if kind not in (BRANCH, JUMP):
                self._field(letter, lookup, 0)

    def _field(self, letter: str, lookup: Lookup, address: int) -> int:
        kind, expression = self.expressions[letter]
        value = evaluate(expression, lookup)
        if letter == "u" and isinstance(expression, Unary) and expression.operator == "%lo":
            value &= 0xFFFF  # as in ori, which does not sign-extend
        return kind.to_field(value, address)


@dataclass(frozen=True)
class Choice:
    """What a statement becomes: declared instructions with their operands.

    It may be chosen only where the operands that were `written` fit.
    """

    written: Binding
    instructions: tuple[tuple[Instruction, Binding], ...]

    @property
    def takes_any_number(self) -> bool:
        """Does it fit whatever its operands' values are (but for how far a branch reaches)?"""
        return all(
            kind in _UNLIMITED or (isinstance(expression, Unary) and expression.operator in _HALVES)
            for kind, expression in self.written.expressions.values()
        )

    def words(self, lookup: Lookup, address: int) -> list[int]:
        """The instruction words at `address`; SourceError or OperandError where none fit."""
        self.written.check(lookup)
        return [
            encode(instruction, binding.values(lookup, address + 4 * index))
            for index, (instruction, binding) in enumerate(self.instructions)
        ]


def bind(form: Form, operands: list[Written]) -> Binding | None:
    """Match operands with a form by their shapes; None if they do not fit."""
    slots = form.syntax.operands
    if not form.syntax.required <= len(operands) <= len(slots):
        return None
    binding = Binding()
    for slot, operand in zip(slots, operands, strict=False):
        if not _bind_one(binding, slot, operand):
            return None
    for slot in slots[len(operands) :]:
        binding.registers[slot.letter] = 0
    if form.distinct:
        s, t = binding.registers["s"], binding.registers["t"]
        if s == t or t == 0:
            return None
    return binding


def _bind_one(binding: Binding, slot: Operand, operand: Written) -> bool:
    what = operand.what
    if isinstance(what, Register):
        if not slot.kind.is_register or slot.base is not None:
            return False
        if what.unit not in ("", _UNITS[slot.kind]):
            return False
        if slot.fixed is not None:
            return what.number == slot.fixed
        binding.registers[slot.letter] = what.number
        binding.tokens[slot.letter] = (what.token,)
        binding.selects = what.select if what.select is not None else binding.selects
        return True
    if slot.kind.is_register:
        return False
    expression: Expression
    if isinstance(what, Address):
        if slot.base is None or what.base.unit not in ("", "general"):
            return False
        binding.registers[slot.base] = what.base.number
        binding.tokens[slot.base] = (what.base.token,)
        expression = what.offset
    elif slot.base is not None:
        return False
    else:
        expression = what
    binding.expressions[slot.letter] = slot.kind, expression
    bracketed = (Token("operator", "("), *operand.tokens, Token("operator", ")"))
    binding.tokens[slot.letter] = operand.tokens if _is_half(expression) else bracketed
    return True


def _is_half(expression: Expression) -> bool:
    return isinstance(expression, Unary) and expression.operator == "%lo"


def expand(form: Form, binding: Binding, profile: str) -> Choice:
    """The declared instructions that a form stands for, with their operands."""
    if form.instruction is not None:
        return Choice(binding, ((form.instruction, binding),))
    found = []
    for template in form.template:
        mnemonic, *rest = template
        tokens = [part for token in rest for part in binding.tokens.get(token.text, (token,))]
        operands = read_operands(Cursor(tokens, lambda name: name), profile)
        for candidate in forms(profile)[mnemonic.text]:
            if candidate.instruction is not None and (inner := bind(candidate, operands)):
                found.append((candidate.instruction, inner))
                break
        else:
            raise SourceError(f"{form.text} does not expand to an instruction")
    return Choice(binding, tuple(found))


@cache
def forms(profile: str) -> dict[str, tuple[Form, ...]]:
    """All forms of a profile by mnemonic, in the order in which they are tried."""
    found: dict[str, list[Form]] = {}
    declared = {
        encoding.instruction.name: encoding.instruction
        for encoding in instruction_set(profile).encodings
    }
    texts = [*ALIASES.items(), *MACROS]
    for name, instruction in declared.items():
        syntax = parse_syntax(instruction.syntax, code_bits(instruction.pattern.text))
        found[name] = [Form(syntax, instruction.syntax, instruction)]
        if "i(s)" in instruction.syntax and "#" not in instruction.syntax:
            texts += memory_macros(name, instruction.syntax.split()[1].rstrip(","))
    for text, meaning in texts:
        plain = text.removesuffix(" distinct")
        template = tuple(tuple(tokens) for _, tokens in statements(meaning))
        form = Form(
            parse_syntax(plain, extra=LETTERS), plain, None, template, distinct=plain != text
        )
        found.setdefault(form.syntax.mnemonic, []).append(form)
    return {name: tuple(forms_) for name, forms_ in found.items()}
