"""Expressions of an assembly source: parsing and evaluation.

Precedence is C's: ``~ -`` before ``* /``, then ``+ -``, ``<< >>``, ``&``, ``^``, ``|``. Numbers are
as large as they need to be; whoever uses a value checks its range. A dot is the address of the
statement.
"""

from collections.abc import Callable
from dataclasses import dataclass

from kseg.isa.assembler.lexer import SourceError, Token
from kseg.isa.values import signed

Lookup = Callable[[str], int]
"""The value of a symbol; UndefinedError if there is none (yet)."""


class UndefinedError(SourceError):
    """A symbol has no value."""


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: int


@dataclass(frozen=True, slots=True)
class Symbol:
    """A label, a name defined with .equ, or the dot."""

    name: str


@dataclass(frozen=True, slots=True)
class Unary:
    """``-x``, ``~x``, ``%hi(x)`` or ``%lo(x)``."""

    operator: str
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Binary:
    """``x + y`` and its like."""

    operator: str
    left: "Expression"
    right: "Expression"


Expression = Number | Symbol | Unary | Binary


def _divide(left: int, right: int) -> int:
    """Truncated, as in C."""
    if right == 0:
        raise SourceError("division by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _shift(left: int, right: int) -> int:
    if not 0 <= right <= 63:
        raise SourceError(f"shift by {right}")
    return left << right


_UNARY: dict[str, Callable[[int], int]] = {
    "-": lambda value: -value,
    "+": lambda value: value,
    "~": lambda value: ~value,
    "%hi": lambda value: ((value + 0x8000) >> 16) & 0xFFFF,
    "%lo": lambda value: signed(value, 16),
}
_BINARY: dict[str, Callable[[int, int], int]] = {
    "*": lambda left, right: left * right,
    "/": _divide,
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "<<": _shift,
    ">>": lambda left, right: left >> right if 0 <= right <= 63 else _shift(0, right),
    "&": lambda left, right: left & right,
    "^": lambda left, right: left ^ right,
    "|": lambda left, right: left | right,
}
_PRECEDENCE = {"|": 1, "^": 2, "&": 3, "<<": 4, ">>": 4, "+": 5, "-": 5, "*": 6, "/": 6}
_DEEPEST = 100
_WIDEST = 1 << 128


def evaluate(expression: Expression, lookup: Lookup) -> int:
    """The value of an expression; SourceError where it has none."""
    match expression:
        case Number(value):
            return value
        case Symbol(name):
            return lookup(name)
        case Unary(operator, operand):
            return _UNARY[operator](evaluate(operand, lookup))
        case Binary(operator, left, right):
            value = _BINARY[operator](evaluate(left, lookup), evaluate(right, lookup))
            if abs(value) >= _WIDEST:
                raise SourceError("number too large")
            return value


class Cursor:
    """Reads the tokens of one statement from left to right."""

    def __init__(self, tokens: list[Token], local: Callable[[str], str]) -> None:
        """`local` turns ``1b`` or ``1f`` into a symbol's name."""
        self.tokens, self.place, self.local = tokens, 0, local

    def peek(self, ahead: int = 0) -> Token:
        """The next token, not consumed; of kind "end" where there is none."""
        place = self.place + ahead
        return self.tokens[place] if place < len(self.tokens) else Token("end", "end of statement")

    def next(self) -> Token:
        """The next token, consumed."""
        token = self.peek()
        self.place += 1
        return token

    def accept(self, text: str) -> bool:
        """Consume the operator `text` if it comes next."""
        if self.peek().kind == "operator" and self.peek().text == text:
            self.place += 1
            return True
        return False

    def expect(self, text: str) -> None:
        """Consume the operator `text`; SourceError if something else comes."""
        if not self.accept(text):
            raise SourceError(f"expected {text!r} before {self.peek().text!r}")

    def expect_end(self) -> None:
        """SourceError unless the statement ends here."""
        if self.peek().kind != "end":
            raise SourceError(f"did not expect {self.peek().text!r}")

    def expression(self, weakest: int = 1, depth: int = 0) -> Expression:
        """Consume an expression whose operators bind at least as tightly as `weakest`."""
        if depth > _DEEPEST:
            raise SourceError("expression too deep")
        left = self._primary(depth)
        length = depth
        while self.peek().kind == "operator":
            length += 1
            if length > _DEEPEST:
                raise SourceError("expression too long")
            operator = self.peek().text
            strength = _PRECEDENCE.get(operator, 0)
            if strength < weakest:
                break
            self.next()
            left = Binary(operator, left, self.expression(strength + 1, depth + 1))
        return left

    def _primary(self, depth: int) -> Expression:
        token = self.next()
        if token.kind in ("number", "character"):
            return Number(token.value)
        if token.kind == "name":
            return Symbol(token.text)
        if token.kind == "local":
            return Symbol(self.local(token.text))
        if token.text == "(":
            inner = self.expression(1, depth + 1)
            self.expect(")")
            return inner
        if token.text in ("-", "+", "~"):
            return Unary(token.text, self.expression(7, depth + 1))
        if token.text in ("%hi", "%lo"):
            self.expect("(")
            inner = self.expression(1, depth + 1)
            self.expect(")")
            return Unary(token.text, inner)
        raise SourceError(f"expected a number or a name, not {token.text!r}")
