"""Operands as a source writes them: a register, an expression, or an address like ``8(sp)``."""

from dataclasses import dataclass

from kseg.isa.assembler.expression import Cursor, Expression, Number
from kseg.isa.assembler.lexer import SourceError, Token
from kseg.isa.disassembler import register_names
from kseg.isa.registers import GPR_NUMBERS


@dataclass(frozen=True, slots=True)
class Register:
    """A register. `unit` is "general", "float", "control" (CP0), or "" where ``$4`` was written,
    which may be any of them."""

    number: int
    unit: str = ""
    select: int | None = None

    @property
    def token(self) -> Token:
        """The register as a token, for pseudo-instructions."""
        return Token("register", f"$f{self.number}" if self.unit == "float" else f"${self.number}")


@dataclass(frozen=True, slots=True)
class Address:
    """``offset(base)``."""

    offset: Expression
    base: Register


@dataclass(frozen=True, slots=True)
class Written:
    """One operand: what it is, and the tokens of its expression."""

    what: Register | Address | Expression
    tokens: tuple[Token, ...] = ()


_CONTROL_SYNONYMS = {"c0_sr": "c0_status", "c0_tlblo": "c0_entrylo", "c0_tlbhi": "c0_entryhi"}


def register(token: Token, profile: str) -> Register | None:
    """The register that a token names, or None: ``$4``, ``$a0``, ``a0``, ``$f2``, ``c0_cause``."""
    if token.kind not in ("register", "name"):
        return None
    name = token.text.removeprefix("$")
    if token.kind == "register":
        if name.isdecimal() and name.isascii() and int(name) < 32:
            return Register(int(name))
        if name[0] == "f" and name[1:].isdecimal() and int(name[1:]) < 32:
            return Register(int(name[1:]), "float")
    if name in GPR_NUMBERS:
        return Register(GPR_NUMBERS[name], "general")
    name = _CONTROL_SYNONYMS.get(name, name)
    for (number, select), known in register_names(profile).items():
        if name == known:
            return Register(number, "control", select)
    if token.kind == "register":
        raise SourceError(f"no register {token.text}")
    return None


def read_operands(cursor: Cursor, profile: str) -> list[Written]:
    """The operands up to the end of the statement."""
    found = list[Written]()
    if cursor.peek().kind == "end":
        return found
    while True:
        found.append(_read_operand(cursor, profile))
        if not cursor.accept(","):
            cursor.expect_end()
            return found


def _read_operand(cursor: Cursor, profile: str) -> Written:
    if known := register(cursor.peek(), profile):
        cursor.next()
        return Written(known)
    if base := _base(cursor, profile):
        return Written(Address(Number(0), base), (Token("number", "0"),))
    start = cursor.place
    expression = cursor.expression()
    tokens = tuple(
        Token("name", cursor.local(token.text)) if token.kind == "local" else token
        for token in cursor.tokens[start : cursor.place]
    )
    if cursor.peek().text == "(":
        base = _base(cursor, profile)
        if base is None:
            raise SourceError(f"expected a register in brackets, not {cursor.peek(1).text!r}")
        return Written(Address(expression, base), tokens)
    return Written(expression, tokens)


def _base(cursor: Cursor, profile: str) -> Register | None:
    """Consume a register in brackets if one comes next."""
    if cursor.peek().text != "(" or cursor.peek(2).text != ")":
        return None
    base = register(cursor.peek(1), profile)
    if base is not None:
        cursor.place += 3
    return base
