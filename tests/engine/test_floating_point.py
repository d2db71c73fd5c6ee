"""What the floating-point unit computes: known values, laws, and native code against CPython."""

import ctypes
import os
import random
import struct
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kseg.engine import floating_point
from kseg.engine.codegen.llvm import compile_module
from kseg.engine.codegen.native import MappedCode
from kseg.engine.codegen.typed import compiler
from kseg.engine.floating_point import compute
from kseg.engine.state import ProcessorState
from kseg.isa import floating_point as fp

EXAMPLES = int(os.environ.get("KSEG_FLOATING_EXAMPLES", "3000"))
FD, FS, FT = 6, 2, 4
TARGETS = {fp.CONVERT_TO_SINGLE: fp.SINGLE, fp.CONVERT_TO_DOUBLE: fp.DOUBLE}
ARITHMETIC = [fp.ADD, fp.SUBTRACT, fp.MULTIPLY, fp.DIVIDE]
OPERATIONS = (
    [(format_, each) for format_ in (fp.SINGLE, fp.DOUBLE) for each in ARITHMETIC]
    + [(format_, each) for format_ in (fp.SINGLE, fp.DOUBLE) for each in (fp.ABSOLUTE, fp.NEGATE)]
    + [(fp.DOUBLE, fp.CONVERT_TO_SINGLE), (fp.WORD, fp.CONVERT_TO_SINGLE)]
    + [(fp.SINGLE, fp.CONVERT_TO_DOUBLE), (fp.WORD, fp.CONVERT_TO_DOUBLE)]
    + [(fp.SINGLE, fp.CONVERT_TO_WORD), (fp.DOUBLE, fp.CONVERT_TO_WORD)]
    + [(fp.SINGLE + number % 2, fp.COMPARE + number // 2) for number in range(32)]
)

SINGLES = [
    0, 1, 0x007FFFFF, 0x00800000, 0x00800001, 0x3F7FFFFF, 0x3F800000, 0x3F800001, 0x4B800000,
    0x4B7FFFFF, 0x4EFFFFFF, 0x4F000000, 0x7F7FFFFF, 0x7F800000, 0x7FBFFFFF, 0x7F800001, 0x7FC00000,
]  # fmt: skip
DOUBLES = [
    0, 1, 0xFFFFFFFFFFFFF, 0x10000000000000, 0x10000000000001, 0x3FEFFFFFFFFFFFFF,
    0x3FF0000000000000, 0x3FF0000000000001, 0x41DFFFFFFFC00000, 0x41E0000000000000,
    0x41DFFFFFFFE00000, 0x43400000000000FF, 0x7FEFFFFFFFFFFFFF, 0x7FF0000000000000,
    0x7FF7FFFFFFFFFFFF, 0x7FF0000000000001, 0x7FF8000000000000, 0x47EFFFFFF0000000,
    0x3690000000000000, 0x380FFFFFFFFFFFFF, 0x36A0000000000000,
]  # fmt: skip
"""Without their signs: where something changes."""


def operand(rng: random.Random, format_: int) -> int:
    """A number of the kinds that find mistakes."""
    width = 64 if format_ == fp.DOUBLE else 32
    if format_ == fp.WORD:
        some = (0, 1, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0x01000001, rng.getrandbits(32))
        return rng.choice(some) >> rng.choice((0, 0, 7, 20))
    sign = rng.getrandbits(1) << width - 1
    special = DOUBLES if format_ == fp.DOUBLE else SINGLES
    bits, bias = (52, 1023) if format_ == fp.DOUBLE else (23, 127)
    exponent = rng.choice((bias, bias + rng.randrange(-3, 4), rng.randrange(2 * bias + 2)))
    fraction = rng.choice((rng.getrandbits(bits), rng.getrandbits(4) << bits - 4, 0, 1))
    return sign | rng.choice((rng.choice(special), exponent << bits | fraction))


def put(state: ProcessorState, register: int, bits: int) -> None:
    state.fpr[register], state.fpr[register + 1] = bits & 0xFFFFFFFF, bits >> 32


def result_format(format_: int, operation: int) -> int:
    return TARGETS.get(operation, fp.WORD if operation == fp.CONVERT_TO_WORD else format_)


def computed(format_: int, operation: int, x: int, y: int, fcsr: int) -> tuple[int, int]:
    """The result, or the condition, and FCSR."""
    state = ProcessorState()
    put(state, FS, x)
    put(state, FT, y)
    state.fcsr = fcsr
    assert not compute(state, format_, operation, FD, FS, FT, False)
    if operation >= fp.COMPARE:
        return state.fcsr >> 23 & 1, state.fcsr
    pair = result_format(format_, operation) == fp.DOUBLE
    return state.fpr[FD] | (state.fpr[FD + 1] << 32 if pair else 0), state.fcsr


def causes(fcsr: int) -> int:
    return fcsr >> fp.CAUSES_SHIFT & 63


# Values that are known.


@pytest.mark.parametrize(
    ("format_", "operation", "x", "y", "mode", "result", "events"),
    [
        (fp.DOUBLE, fp.DIVIDE, 0, 0, 0, 0x7FF7FFFFFFFFFFFF, fp.INVALID),
        (fp.DOUBLE, fp.DIVIDE, 0x3FF0 << 48, 0x4008 << 48, 0, 0x3FD5555555555555, fp.INEXACT),
        (fp.SINGLE, fp.CONVERT_TO_WORD, 0x4F32D05E, 0, 0, 0x7FFFFFFF, fp.INVALID),
        (fp.SINGLE, fp.ADD, 0x7FC00000, 0x3F800000, 0, 0x7FA00000, fp.INVALID),
        (fp.SINGLE, fp.ADD, 0x7FBFFFFF, 0x3F800000, 0, 0x7FBFFFFF, 0),
        (fp.SINGLE, fp.ADD, 0x3F800000, 0xFFBFFFFE, 0, 0xFFBFFFFE, 0),
        (fp.SINGLE, fp.SUBTRACT, 0x3F800000, 0x3F800000, fp.DOWN, 0x80000000, 0),
        (fp.SINGLE, fp.SUBTRACT, 0x3F800000, 0x3F800000, fp.UP, 0, 0),
        (fp.SINGLE, fp.DIVIDE, 0xBF800000, 0, 0, 0xFF800000, fp.DIVISION_BY_ZERO),
        (fp.SINGLE, fp.ADD, 0x7F7FFFFF, 0x7F7FFFFF, 0, 0x7F800000, fp.OVERFLOW | fp.INEXACT),
        (fp.SINGLE, fp.ADD, 0x7F7FFFFF, 0x7F7FFFFF, 1, 0x7F7FFFFF, fp.OVERFLOW | fp.INEXACT),
        (fp.SINGLE, fp.MULTIPLY, 0x00800000, 0x3F000000, 0, 0x00400000, 0),
        (fp.SINGLE, fp.MULTIPLY, 0x00800001, 0x3F000000, 0, 0x00400000, fp.UNDERFLOW | fp.INEXACT),
        (fp.DOUBLE, fp.CONVERT_TO_WORD, 0xC1E0000000099999, 0, 0, 0x80000000, fp.INEXACT),
        (fp.DOUBLE, fp.CONVERT_TO_WORD, 0x3FFC000000000000, 0, fp.TO_ZERO, 1, fp.INEXACT),
        (fp.DOUBLE, fp.CONVERT_TO_SINGLE, 0x7FF0000000000001, 0, 0, 0x7FBFFFFF, 0),
        (fp.WORD, fp.CONVERT_TO_SINGLE, 0x01000001, 0, 0, 0x4B800000, fp.INEXACT),
        (fp.SINGLE, fp.NEGATE, 0x7FC00000, 0, 0, 0x7FA00000, fp.INVALID),
        (fp.SINGLE, fp.COMPARE | 8, 0x7FBFFFFF, 0, 0, 0, fp.INVALID),
        (fp.SINGLE, fp.COMPARE | 2, 0x80000000, 0, 0, 1, 0),
    ],
)
def test_known_values(
    format_: int, operation: int, x: int, y: int, mode: int, result: int, events: int
) -> None:
    found, fcsr = computed(format_, operation, x, y, mode)
    assert (found, causes(fcsr)) == (result, events)
    assert fcsr >> 2 & 31 == events


# Laws.


def value(format_: int, bits: int) -> Fraction | None:
    """A finite number; None for others."""
    name, code = ("<d", "<Q") if format_ == fp.DOUBLE else ("<f", "<I")
    (number,) = struct.unpack(name, struct.pack(code, bits))
    return None if number != number or abs(number) == float("inf") else Fraction(number)


@settings(max_examples=EXAMPLES)
@given(st.integers(0, 1 << 64), st.sampled_from(OPERATIONS[:8]))
def test_results_bracket_the_exact_ones(seed: int, what: tuple[int, int]) -> None:
    format_, operation = what
    rng = random.Random(seed)
    x, y = operand(rng, format_), operand(rng, format_)
    a, b = value(format_, x), value(format_, y)
    if a is None or b is None or (operation == fp.DIVIDE and not b):
        return
    exact = [a + b, a - b, a * b, a / b if b else a][operation]
    below, fcsr = computed(format_, operation, x, y, fp.DOWN)
    above, _ = computed(format_, operation, x, y, fp.UP)
    low, high = value(format_, below), value(format_, above)
    assert low is None or low <= exact
    assert high is None or exact <= high
    assert (low == exact == high) == (not causes(fcsr) & fp.INEXACT)
    nearest, zero = (computed(format_, operation, x, y, mode)[0] for mode in (0, fp.TO_ZERO))
    assert not exact or zero == (below if exact > 0 else above)
    assert nearest in (below, above)
    near = value(format_, nearest)
    if low is not None and high is not None and near is not None:
        assert abs(near - exact) == min(exact - low, high - exact)


@settings(max_examples=EXAMPLES // 4)
@given(st.integers(0, 1 << 64), st.sampled_from(OPERATIONS), st.booleans())
def test_an_exception_changes_nothing_but_causes_and_the_line(
    seed: int, what: tuple[int, int], r3010: bool
) -> None:
    rng = random.Random(seed)
    state = ProcessorState()
    put(state, FS, operand(rng, what[0]))
    put(state, FT, operand(rng, what[0]))
    state.fcsr = rng.getrandbits(12) | rng.getrandbits(1) << 23
    before, registers = state.fcsr, list(state.fpr)
    raised = compute(state, *what, FD, FS, FT, r3010)
    enabled = before >> fp.ENABLES_SHIFT & 31 | fp.UNIMPLEMENTED
    assert raised == bool(causes(state.fcsr) & enabled) == (state.timer_line != 0)
    if raised:
        assert (state.fcsr ^ before) & ~fp.CAUSES == 0
        assert list(state.fpr) == registers
        assert r3010 or not causes(state.fcsr) & fp.UNIMPLEMENTED


# Native code.

Native = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, *[ctypes.c_uint32] * 5, ctypes.c_bool)


def test_native_code_is_the_same_text() -> None:
    code = MappedCode(compile_module(compiler.build([floating_point.compute])))
    native = Native(code.address("compute"))
    rng = random.Random(1)
    for _ in range(EXAMPLES):
        format_, operation = rng.choice(OPERATIONS)
        one = ProcessorState()
        put(one, FS, operand(rng, format_))
        put(one, FT, operand(rng, format_))
        one.fcsr = rng.choice((0, 1, 2, 3)) | rng.choice((0, rng.getrandbits(10) << 2))
        other = ProcessorState.from_buffer_copy(one)
        r3010 = rng.random() < 0.3
        raised = compute(one, format_, operation, FD, FS, FT, r3010)
        address = ctypes.addressof(other)
        assert native(address, format_, operation, FD, FS, FT, r3010) == raised
        assert bytes(one) == bytes(other), (format_, operation, one.fpr[:], one.fcsr)
