"""Symbols compute what Python's integers do."""

import ctypes
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kseg.engine.codegen.builder import FunctionBuilder
from kseg.engine.codegen.llvm import compile_module
from kseg.engine.codegen.native import MappedCode
from kseg.engine.codegen.value import S32, Symbol
from kseg.isa.values import WORD, divide, negation, select, signed, word


def compiled(expression: Callable[[Any, Any], Any]) -> Callable[[int, int], int]:
    """The native function of two words that `expression` of two symbols is."""
    b = FunctionBuilder("f", "i32", [("i32", "a"), ("i32", "b")])
    result = expression(Symbol.of_i32(b, "%a"), Symbol.of_i32(b, "%b"))
    b.return_("i32", result.i32())
    code = MappedCode(compile_module(b.text()))
    function = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint32)
    native = function(code.address("f"))
    return lambda a, b, _code=code: native(a, b)


EXPRESSIONS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "reversed subtraction": lambda a, b: 24 - (a & 3) * 8 + b,
    "overflow": lambda a, b: signed(a) + signed(b) != signed(signed(a) + signed(b)),
    "high signed product": lambda a, b: (signed(a) * signed(b)) >> 32,
    "high unsigned product": lambda a, b: (a * b) >> 32,
    "low product": lambda a, b: a * b,
    "bits": lambda a, b: (a & ~b) ^ (a | b),
    "complement": lambda a, b: ~(a | b),
    "shift left": lambda a, b: a << (b & 31),
    "shift right": lambda a, b: a >> (b & 31),
    "arithmetic shift": lambda a, b: signed(a) >> (b & 31),
    "constant shifted": lambda _a, b: WORD >> (b & 31),
    "mask shifted": lambda a, b: word(WORD << (b & 31)) & a,
    "unsigned comparison": lambda a, b: a < b,
    "signed comparison": lambda a, b: signed(a) <= signed(b),
    "mixed comparison": lambda a, b: signed(a) < b,
    "sign of a half": lambda a, b: a + signed(b, 16),
    "sign of a byte": lambda a, b: signed(a, 8) - b,
    "select": lambda a, b: select(a == b, a + 1, signed(b)),
    "logic": lambda a, b: ((a > 5) & negation(b == 3)) | (a == b),
    "remainder": lambda a, b: 63 - (a + (b & 7)) % 56,
    "unsigned division": lambda a, b: divide(a, select(b == 0, 1, b))[0],
    "unsigned remainder": lambda a, b: divide(a, select(b == 0, 1, b))[1],
    "signed division": lambda a, b: divide(signed(a), select(b == 0, 1, signed(b)))[0],
    "signed remainder": lambda a, b: divide(signed(a), select(b == 0, 1, signed(b)))[1],
}

INTERESTING = st.sampled_from([0, 1, 2, 31, 0x7FFF, 0x8000, 0x7FFFFFFF, 0x80000000, WORD - 1, WORD])
WORDS = INTERESTING | st.integers(0, WORD)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_native_code_computes_what_python_does(name: str) -> None:
    expression = EXPRESSIONS[name]
    native = compiled(expression)

    @settings(max_examples=60)
    @given(WORDS, WORDS)
    def check(a: int, b: int) -> None:
        assert native(a, b) == int(expression(a, b)) & WORD

    check()


def test_a_symbol_is_no_condition() -> None:
    b = FunctionBuilder("f", "i32", [("i32", "a")])
    with pytest.raises(TypeError, match="select"):
        bool(Symbol.of_i32(b, "%a"))


def test_ranges_follow_the_operators() -> None:
    b = FunctionBuilder("f", "i32", [("i32", "a")])
    value = Symbol.of_i32(b, "%a")
    assert (value & 0xFF).high == 0xFF
    assert (value + 1).high == 1 << 32
    assert signed(value).fits(S32)
    assert (24 - ((value & 3) << 3)).low == 0


def test_what_cannot_be_shifted_is_refused() -> None:
    b = FunctionBuilder("f", "i32", [("i32", "a")])
    value = Symbol.of_i32(b, "%a")
    with pytest.raises(ValueError, match="shift"):
        value << value
