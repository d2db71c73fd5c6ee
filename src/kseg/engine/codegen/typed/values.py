"""Numbers of typed Python as native code has them: an operand, and the range of its exact value.

Every number is an i64. Where its range fits u64 or i64, the operand is the number; where not (a
difference of two clocks), the operand is the number modulo 2**64: good for what is modular (adding,
multiplying, bits), for a cast or a store, and refused for all else. LLVM narrows what can be.
"""

import ast
import ctypes
import operator
from collections.abc import Callable
from enum import IntEnum
from typing import Any, NamedTuple

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.codegen.typed.words import Word, i64, u64

_ALL = (1 << 64) - 1
I64: Any = i64
U64: Any = u64


class TypedPythonError(TypeError):
    """A function is not one that can become native code; the message says where, and why."""


class Value(NamedTuple):
    """An operand. `type` is int (an i64), bool (an i1), or the ctypes type of what a pointer points
    to. `low` and `high` are a number's range, both included."""

    operand: Operand
    type: Any = int
    low: int = 0
    high: int = _ALL

    @property
    def constant(self) -> bool:
        """Is it known what it is?"""
        return self.type in (int, bool) and self.low == self.high

    @property
    def exact(self) -> bool:
        """Does the operand say all of it?"""
        return self.fits(U64) or self.fits(I64)

    def fits(self, word: Word) -> bool:
        """Can it be held?"""
        return word.low <= self.low and self.high <= word.high


def number(value: int) -> Value:
    """A constant."""
    if isinstance(value, bool):
        return Value(str(value).lower(), bool, int(value), int(value))
    return Value(str(I64(value)), int, int(value), int(value))


def truth(operand: Operand) -> Value:
    """An i1."""
    return Value(operand, bool, 0, 1)


_MODULAR = {"Add": "add", "Sub": "sub", "Mult": "mul", "BitAnd": "and", "BitOr": "or",
            "BitXor": "xor", "LShift": "shl"}  # fmt: skip
_EXACT = {"RShift": "lshr", "FloorDiv": "udiv", "Mod": "urem"}
_PYTHON: dict[str, Callable[[int, int], int]] = {
    "Add": operator.add, "Sub": operator.sub, "Mult": operator.mul, "BitAnd": operator.and_,
    "BitOr": operator.or_, "BitXor": operator.xor, "LShift": operator.lshift,
    "RShift": operator.rshift, "FloorDiv": operator.floordiv, "Mod": operator.mod,
}  # fmt: skip


def arithmetic(b: FunctionBuilder, kind: ast.operator, x: Value, y: Value) -> Value:
    """What a binary operator makes of two numbers; TypedPythonError where it could be wrong."""
    name = type(kind).__name__
    if name not in _PYTHON:
        raise TypedPythonError(f"there is no {name} here")
    if name in ("FloorDiv", "Mod") and y.constant and y.low > 0 and not y.low & (y.low - 1):
        # By a power of two, also what is negative: as Python does it.
        if name == "Mod":
            return arithmetic(b, ast.BitAnd(), x, number(y.low - 1))
        return arithmetic(b, ast.RShift(), x, number(y.low.bit_length() - 1))
    if name in _EXACT and not (x.exact and y.exact):
        raise TypedPythonError("this needs exact numbers: cast what may lie beyond 64 bits")
    if name in ("LShift", "RShift") and not 0 <= y.low <= y.high < 64:
        raise TypedPythonError(f"a shift by {y.low} to {y.high}: not surely from 0 to 63")
    if name in ("FloorDiv", "Mod") and (x.low < 0 or y.low <= 0):
        raise TypedPythonError("a division with what may be negative, or by what may be 0")
    if x.constant and y.constant:
        return number(_PYTHON[name](x.low, y.low))
    instruction = _MODULAR.get(name) or _EXACT[name]
    if name == "RShift" and x.low < 0:
        instruction = "ashr"
    low, high = _range(name, x, y)
    return Value(b.emit(f"{instruction} i64 {x.operand}, {y.operand}"), int, low, high)


def _range(name: str, x: Value, y: Value) -> tuple[int, int]:
    """Where the result lies."""
    if name == "Mod":
        return 0, min(x.high, y.high - 1)
    if name in ("BitAnd", "BitOr", "BitXor"):
        positive = [each.high for each in (x, y) if each.low >= 0]
        if name == "BitAnd" and positive:
            return 0, min(positive)
        bits = max(x.high, y.high, ~x.low, ~y.low).bit_length()
        return (0 if min(x.low, y.low) >= 0 else -1 << bits), (1 << bits) - 1
    if name == "Sub":
        return x.low - y.high, x.high - y.low
    corners = [_PYTHON[name](i, j) for i in (x.low, x.high) for j in (y.low, y.high)]
    return min(corners), max(corners)


_COMPARISONS: dict[str, tuple[str, Callable[[int, int], bool]]] = {
    "Eq": ("eq", operator.eq), "NotEq": ("ne", operator.ne), "Lt": ("lt", operator.lt),
    "LtE": ("le", operator.le), "Gt": ("gt", operator.gt), "GtE": ("ge", operator.ge),
}  # fmt: skip


def comparison(b: FunctionBuilder, kind: ast.cmpop, x: Value, y: Value) -> Value:
    """A truth value; TypedPythonError where it could be wrong."""
    name = type(kind).__name__
    if name not in _COMPARISONS:
        raise TypedPythonError(f"there is no {name} here")
    instruction, python = _COMPARISONS[name]
    if x.constant and y.constant:
        return number(python(x.low, y.low))
    if x.fits(U64) and y.fits(U64):
        sign = "u"
    elif x.fits(I64) and y.fits(I64):
        sign = "s"
    else:
        raise TypedPythonError(
            "what may be negative, or lie beyond 64 bits, is compared with one of 64: cast it"
        )
    sign = "" if instruction in ("eq", "ne") else sign
    return truth(b.emit(f"icmp {sign}{instruction} i64 {x.operand}, {y.operand}"))


def cast(b: FunctionBuilder, value: Value, word: Word) -> Value:
    """The number that `word` holds of this one."""
    if value.constant:
        return number(word(value.low))
    if value.fits(word):
        return value
    if word.bits == 64:
        return Value(value.operand, int, word.low, word.high)
    return widened(b, b.emit(f"trunc i64 {value.operand} to i{word.bits}"), word)


def widened(b: FunctionBuilder, operand: Operand, word: Word) -> Value:
    """A number that memory, a parameter or a result has."""
    if word.bits < 64:
        how = "sext" if word.low < 0 else "zext"
        operand = b.emit(f"{how} i{word.bits} {operand} to i64")
    return Value(operand, int, word.low, word.high)


def narrowed(b: FunctionBuilder, value: Value, word: Word) -> Operand:
    """Its low bits, as memory, a parameter or a result has them."""
    if word.bits == 64:
        return value.operand
    if value.constant:
        return str(word(value.low))
    return b.emit(f"trunc i64 {value.operand} to i{word.bits}")


# Types.

_WORDS: dict[Any, Word] = {}
for _kind in (ctypes.c_uint8, ctypes.c_uint16, ctypes.c_uint32, ctypes.c_uint64,
              ctypes.c_int8, ctypes.c_int16, ctypes.c_int32, ctypes.c_int64):  # fmt: skip
    _bits = 8 * ctypes.sizeof(_kind)
    _low = -1 << _bits - 1 if _kind(-1).value < 0 else 0
    _WORDS[_kind] = Word(_kind.__name__, _bits, _low, _low + (1 << _bits) - 1)


def stored(type_: Any) -> Word | None:
    """The number that a ctypes type holds; None for a structure or an array."""
    return _WORDS.get(type_)


def is_memory(type_: Any) -> bool:
    """Is it a ctypes type that native code knows?"""
    if not isinstance(type_, type):
        return False
    known = type_ in _WORDS or type_ is ctypes.c_bool
    return known or issubclass(type_, (ctypes.Structure, ctypes.Array))


def held(annotation: Any) -> Word | None:
    """The number that a variable of a type is; None where it is no number. `int` is an i64."""
    if annotation is int:
        annotation = I64
    for known in (annotation, *getattr(annotation, "__metadata__", ())):
        if isinstance(known, Word):
            return known
    if isinstance(annotation, type) and issubclass(annotation, IntEnum):
        values = sorted(int(each) for each in annotation)
        if values == list(range(values[0], values[-1] + 1)):
            return Word(annotation.__name__, 32, values[0], values[-1])
    return None


def name_of(type_: Any) -> str:
    """A type in messages."""
    word = None if type_ is int else held(type_)
    if word is not None:
        return word.name
    return {int: "number", bool: "truth value"}.get(type_) or str(getattr(type_, "__name__", type_))
