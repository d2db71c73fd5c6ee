"""Operands as a source writes them: a register, an expression, or an address like ``8(sp)``."""

import re
from dataclasses import dataclass

from kseg.isa.assembler.expression import Cursor, Expression, Number
from kseg.isa.assembler.lexer import Token
from kseg.isa.assembler.problem import SourceError
from kseg.isa.disassembler import register_names
from kseg.isa.registers import GPR_NUMBERS


@dataclass(frozen=True, slots=True)
class Register:
    """A register. `unit` is "general", "float", "control" (CP0), or "" where ``$4`` was written,
    which may be any of them."""

    number: int
    unit: str = ""
    select: int | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """``offset(base)``."""

    offset: Expression
    base: Register


Written = Register | Address | Expression
"""One operand."""

_CONTROL_SYNONYMS = {"c0_sr": "c0_status", "c0_tlblo": "c0_entrylo", "c0_tlbhi": "c0_entryhi"}


@dataclass(frozen=True, slots=True)
class RegisterNames:
    """What names stand for registers."""

    profile: str
    taken: frozenset[str] = frozenset()
    """Names without a dollar sign that are the source's own, such as a variable called fp."""

    def register(self, token: Token) -> Register | None:
        """The register that a token names, or None: ``$4``, ``$a0``, ``a0``, ``$f2``,
        ``c0_cause``."""
        if token.kind not in ("register", "name") or token.text in self.taken:
            return None
        return _register(token, self.profile)


_DECLARATION = re.compile(
    r"^[ \t]*\.(?:globl|global|type|comm|lcomm|local|extern|weak)[ \t]+([\w.$, \t]+)", re.MULTILINE
)


def declared_names(source: str) -> frozenset[str]:
    """The names that a source declares as symbols, which compilers do with all they use."""
    found = _DECLARATION.finditer(source)
    return frozenset(name for match in found for name in re.split(r"[,\s]+", match[1]))


def is_label(name: str, profile: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z_.$][\w.$]*", name, re.ASCII)) and (
        name != "."
        and not re.fullmatch(r"\$\d+", name)
        and RegisterNames(profile).register(Token("name", name)) is None
        and RegisterNames(profile).register(Token("register", f"${name.lstrip('$')}")) is None
    )


def _register(token: Token, profile: str) -> Register | None:
    name = token.text.removeprefix("$")
    if token.kind == "register":
        if name.isdecimal() and name.isascii():
            if int(name[:9]) >= 32:
                raise SourceError(f"no register {token.text}")
            return Register(int(name))
        if name[0] == "f" and name[1:].isdecimal() and int(name[1:10]) < 32:
            return Register(int(name[1:]), "float")
    if name in GPR_NUMBERS:
        return Register(GPR_NUMBERS[name], "general")
    name = _CONTROL_SYNONYMS.get(name, name)
    for (number, select), known in register_names(profile).items():
        if name == known:
            return Register(number, "control", select)
    return None


def read_operands(cursor: Cursor, names: RegisterNames) -> list[Written]:
    """The operands up to the end of the statement."""
    if cursor.peek().kind == "end":
        return []
    return cursor.several(lambda: _read_operand(cursor, names))


def _read_operand(cursor: Cursor, names: RegisterNames) -> Written:
    if known := names.register(cursor.peek()):
        cursor.next()
        return known
    if base := _base(cursor, names):
        return Address(Number(0), base)
    expression = cursor.expression()
    if cursor.peek().text == "(":
        base = _base(cursor, names)
        if base is None:
            raise SourceError(f"expected a register in brackets, not {cursor.peek(1).text!r}")
        return Address(expression, base)
    return expression


def _base(cursor: Cursor, names: RegisterNames) -> Register | None:
    """Consume a register in brackets if one comes next."""
    if cursor.peek().text != "(" or cursor.peek(2).text != ")":
        return None
    base = names.register(cursor.peek(1))
    if base is not None:
        cursor.place += 3
    return base
