"""Expressions of an assembly source: parsing and evaluation.

Operators bind as in GNU as, which is not as in C (Using as, Infix Operators): ``* / % << >>``
before ``| & ^ !``, then ``+ -``, comparisons, ``&&``, ``||``. Numbers are as large as they need to
be; the user of a value checks its range. A dot is the address of the statement.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from kseg.isa.assembler.lexer import Token
from kseg.isa.assembler.problem import SourceError
from kseg.isa.values import signed

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Value:
    """A number, or what is known of an address."""

    number: int
    weight: int = 0
    """How many addresses are in it: 1 for an address, 0 for a number or a distance."""
    late: bool = False
    """It depends on a name whose definition comes later, which GNU as takes for an address."""
    half: bool = False
    """It is what %hi, %lo or %gp_rel makes: 16 bits of an instruction."""

    @property
    def is_address(self) -> bool:
        """Is it, or may it be, an address that only a linker knows?"""
        return self.late or self.weight != 0


Lookup = Callable[[str], Value]
"""The value of a symbol; UndefinedError if there is none (yet)."""


class UndefinedError(SourceError):
    """A symbol has no value."""


@dataclass(frozen=True, slots=True)
class Number:
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


def _shift_left(left: int, right: int) -> int:
    if not 0 <= right <= 63:
        raise SourceError(f"shift by {right}")
    return left << right


def _shift_right(left: int, right: int) -> int:
    """Logical, of 64 bits where the number is negative, as GNU as does it."""
    if not 0 <= right <= 63:
        raise SourceError(f"shift by {right}")
    return (left if left >= 0 else left & 0xFFFFFFFFFFFFFFFF) >> right


_UNARY: dict[str, Callable[[int], int]] = {
    "-": lambda value: -value,
    "+": lambda value: value,
    "~": lambda value: ~value,
    "!": lambda value: int(not value),
}
RELOCATIONS: dict[str, Callable[[int], int]] = {
    "%hi": lambda value: ((value + 0x8000) >> 16) & 0xFFFF,
    "%lo": lambda value: signed(value, 16),
    "%half": lambda value: value & 0xFFFF,
    "%gp_rel": lambda value: value,
}
"""Parts of an address, as operands. %gp_rel is a distance from the symbol _gp."""

_BINARY: dict[str, tuple[int, Callable[[int, int], int]]] = {
    "*": (6, lambda left, right: left * right),
    "/": (6, _divide),
    "%": (6, lambda left, right: left - right * _divide(left, right)),
    "<<": (6, _shift_left),
    ">>": (6, _shift_right),
    "&": (5, lambda left, right: left & right),
    "^": (5, lambda left, right: left ^ right),
    "|": (5, lambda left, right: left | right),
    "!": (5, lambda left, right: left | ~right),
    "!!": (5, lambda left, right: left ^ right),
    "+": (4, lambda left, right: left + right),
    "-": (4, lambda left, right: left - right),
    "==": (3, lambda left, right: -(left == right)),
    "!=": (3, lambda left, right: -(left != right)),
    "<>": (3, lambda left, right: -(left != right)),
    "<": (3, lambda left, right: -(left < right)),
    "<=": (3, lambda left, right: -(left <= right)),
    ">": (3, lambda left, right: -(left > right)),
    ">=": (3, lambda left, right: -(left >= right)),
    "&&": (2, lambda left, right: int(bool(left) and bool(right))),
    "||": (1, lambda left, right: int(bool(left) or bool(right))),
}
"""How tightly each binds, and what it does. A comparison that holds is -1."""


def binding_strength() -> list[list[str]]:
    """The operators between two operands, those that bind tightest first."""
    ranks = sorted({rank for rank, _ in _BINARY.values()}, reverse=True)
    return [[name for name, (own, _) in _BINARY.items() if own == rank] for rank in ranks]


_PREFIX = 7
_DEEPEST = 100
_WIDEST = 1 << 128


def evaluate(expression: Expression, lookup: Lookup) -> Value:
    """The value of an expression; SourceError where it has none."""
    match expression:
        case Number(number):
            return Value(number)
        case Symbol(name):
            return lookup(name)
        case Unary(operator, operand):
            inner = evaluate(operand, lookup)
            if operator in RELOCATIONS:
                number = inner.number
                if operator == "%gp_rel":
                    number = signed(number - lookup("_gp").number)
                return Value(RELOCATIONS[operator](number), half=True)
            weight = inner.weight * {"-": -1, "+": 1}.get(operator, 0)
            return Value(_UNARY[operator](inner.number), weight, inner.late)
        case Binary(operator, left, right):
            return _binary(operator, evaluate(left, lookup), evaluate(right, lookup))


def _binary(operator: str, left: Value, right: Value) -> Value:
    number = int(_BINARY[operator][1](left.number, right.number))
    if abs(number) >= _WIDEST:
        raise SourceError("number too large")
    weight = 0
    if operator in ("+", "-"):
        weight = left.weight + (right.weight if operator == "+" else -right.weight)
    return Value(number, weight, left.late or right.late)


@dataclass
class Cursor:
    """Reads the tokens of one statement from left to right."""

    tokens: tuple[Token, ...]
    local: Callable[[str], str]
    """Turns ``1b`` or ``1f`` into a symbol's name."""
    place: int = field(default=0)

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

    def several(self, item: Callable[[], Item]) -> list[Item]:
        """Consume items with commas between them, up to the end of the statement."""
        found = [item()]
        while self.accept(","):
            found.append(item())
        self.expect_end()
        return found

    def string(self, what: str = "a string") -> str:
        """Consume a string; its text without the quotes."""
        token = self.next()
        if token.kind != "string":
            raise SourceError(f"expected {what} in quotes, not {token.text!r}")
        return token.text[1:-1]

    def rest(self) -> list[str]:
        return [token.text for token in self.tokens[self.place :]]

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
            if operator == "!" and self.peek(1).text == "!":
                operator = "!!"  # Of these two GNU as makes an exclusive or, blanks or none.
            strength = _BINARY[operator][0] if operator in _BINARY else 0
            if strength < weakest:
                break
            self.place += 1 + (operator == "!!")
            left = Binary(operator, left, self.expression(strength + 1, depth + 1))
        return left

    def _primary(self, depth: int) -> Expression:
        token = self.next()
        if token.kind in ("number", "character"):
            return Number(token.value)
        if token.kind in ("name", "register"):
            return Symbol(token.text)
        if token.kind == "local":
            return Symbol(self.local(token.text))
        if token.text == "(":
            inner = self.expression(1, depth + 1)
            self.expect(")")
            return inner
        if token.text in _UNARY:
            return Unary(token.text, self.expression(_PREFIX, depth + 1))
        if token.kind == "relocation":
            return self._relocation(token.text.lower(), depth)
        raise SourceError(f"expected a number or a name, not {token.text!r}")

    def _relocation(self, name: str, depth: int) -> Expression:
        if name not in RELOCATIONS:
            raise SourceError(
                f"{name} is for code that a dynamic linker places; there are: "
                f"{', '.join(RELOCATIONS)}"
            )
        self.expect("(")
        inner = self.expression(1, depth + 1)
        self.expect(")")
        return Unary(name, inner)
