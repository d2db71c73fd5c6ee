"""Structures, arrays and addresses, methods and properties: natively as in CPython."""

import ctypes
import random
from functools import cache
from typing import Any

import pytest

from tests.engine.codegen.typed import shapes
from tests.engine.codegen.typed.texts import compiled, defined

TEXTS = ["fields", "addresses", "bits", "choose", "outside", "inherited"]
ask = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_uint32)(lambda number: 3 * number + 1)


class Both(ctypes.Structure):
    """A shape, and the point that it leads to."""

    _fields_ = [("shape", shapes.Round), ("far", shapes.Point)]


def randomly(rng: random.Random) -> Both:
    made = Both.from_buffer_copy(rng.randbytes(ctypes.sizeof(Both)))
    made.shape.words[rng.randrange(64)] = made.shape.few[rng.randrange(8)] = 9
    return made


def connected(both: Both) -> shapes.Round:
    shape = both.shape
    shape.other = ctypes.addressof(both) + Both.far.offset
    shape.outside = ctypes.cast(ask, ctypes.c_void_p).value
    return shape


@cache
def native() -> dict[str, Any]:
    made: dict[str, Any] = compiled(*(getattr(shapes, name) for name in TEXTS))
    return made


@pytest.mark.parametrize("name", TEXTS)
def test_native_code_does_the_same(name: str) -> None:
    rng = random.Random(name)
    for _ in range(40):
        first = randomly(rng)
        second = Both.from_buffer_copy(first)
        number = rng.choice([9, rng.randrange(100), rng.getrandbits(32)])
        found = getattr(shapes, name)(connected(first), number)
        assert native()[name](connected(second), number) == found
        connected(first).other = connected(second).other = 0
        assert bytes(first) == bytes(second)


def test_what_need_not_be_looked_at_is_not() -> None:
    source = """
class S(ctypes.Structure):
    _fields_ = [("count", ctypes.c_uint32)]
    def tick(self, result: u32) -> u32:
        self.count += 1
        return result

def chain(s: S, a: u32) -> u32:
    if 0 < s.tick(a) < s.tick(5) < s.tick(3) or s.tick(0) > 1:
        s.count += 100
    small = a < 3 and s.tick(1) == 1
    return 2 if small or s.tick(a) == 9 else 1
"""
    text = defined(source)
    function = compiled(text.chain)
    for number in range(12):
        first, second = text.S(), text.S()
        assert function(second, number) == text.chain(first, number)
        assert first.count == second.count


def test_constants_of_the_caller_go_before_the_modules() -> None:
    text = defined("""
WIDE = False
def size(a: u32) -> u32:
    if WIDE:
        return u32(a * 8)
    return missing(a) if WIDE and a else a
""")
    assert text.size(3) == compiled(text.size)(3) == 3
    assert compiled(text.size, WIDE=True)(3) == 24


def test_results_and_parameters_of_every_type() -> None:
    text = defined("""
def negative(a: i32, b: i64, c: u8, d: bool) -> i64:
    return i64(a + b - c * d)
def small(a: u64) -> u8:
    return u8(a)
def signed(a: u64) -> i32:
    return i32(a)
def odd(a: u64) -> bool:
    return a & 1 != 0
""")
    native_ = compiled(text.negative, text.small, text.signed, text.odd)
    for given in [(-5, 7, 200, True), (5, -(1 << 63), 255, False)]:
        assert native_["negative"](*given) == text.negative(*given)
    for number in (0, 1, 0x80, 0xFFFFFFFF, 0x1FFFFFFFE, (1 << 64) - 1):
        for name in ("small", "signed", "odd"):
            assert native_[name](number) == getattr(text, name)(number)
