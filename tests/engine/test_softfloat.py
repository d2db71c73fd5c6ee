"""The floating-point unit against Berkeley SoftFloat (`softfloatpy`, BSD licence)."""

import os
import random
from collections.abc import Callable
from typing import Any

import pytest

from kseg.isa import floating_point as fp
from tests.engine.test_floating_point import causes, computed, operand, result_format

softfloat: Any = pytest.importorskip("softfloatpy", reason="softfloatpy is not installed")

COUNT = int(os.environ.get("KSEG_SOFTFLOAT_COUNT", "1000"))
"""Operations for each format, operation and mode. A million are a matter of some minutes each."""

MODES = {0: "NEAR_EVEN", 1: "MIN_MAG", 2: "MAX", 3: "MIN"}
NAMES = {fp.ADD: "add", fp.SUBTRACT: "sub", fp.MULTIPLY: "mul", fp.DIVIDE: "div"}
KINDS = {fp.SINGLE: "f32", fp.DOUBLE: "f64", fp.WORD: "i32"}
CONVERSIONS = {
    fp.CONVERT_TO_SINGLE: "f32",
    fp.CONVERT_TO_DOUBLE: "f64",
    fp.CONVERT_TO_WORD: "i32",
}
CASES = [(format_, each) for format_ in (fp.SINGLE, fp.DOUBLE) for each in NAMES]
CASES += [
    (format_, operation)
    for operation, name in CONVERSIONS.items()
    for format_ in KINDS
    if KINDS[format_] != name
]


def made(format_: int, bits: int) -> Any:
    size = 8 if format_ == fp.DOUBLE else 4
    kind = {fp.SINGLE: "Float32", fp.DOUBLE: "Float64", fp.WORD: "Int32"}[format_]
    return getattr(softfloat, kind).from_bytes(bits.to_bytes(size, "big"))


def is_nan(format_: int, bits: int) -> bool:
    if format_ == fp.WORD:
        return False
    top, sign = (0x7FF << 52, 1 << 63) if format_ == fp.DOUBLE else (0x7F800000, 1 << 31)
    return bits & ~sign > top


def theirs(format_: int, operation: int, mode: int) -> Callable[[int, int], tuple[int, int]]:
    """SoftFloat's result, and its exceptions as this unit's events."""
    name, rounding = KINDS[format_], getattr(softfloat.RoundingMode, MODES[mode])
    if operation in NAMES:
        one = getattr(softfloat, f"{name}_{NAMES[operation]}")
    elif operation == fp.CONVERT_TO_WORD:
        to_word = getattr(softfloat, f"{name}_to_i32")
        one = lambda x: to_word(x, rounding, True)  # noqa: E731
    else:
        one = getattr(softfloat, f"{name}_to_{CONVERSIONS[operation]}")

    def run(x: int, y: int) -> tuple[int, int]:
        softfloat.set_rounding_mode(rounding)
        softfloat.set_exception_flags(0)
        given = [made(format_, x)] + ([made(format_, y)] if operation in NAMES else [])
        result = int.from_bytes(one(*given).to_bytes(), "big")
        return result, int(softfloat.get_exception_flags())

    return run


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("format_", "operation"), CASES)
def test_same_results_and_events(format_: int, operation: int, mode: int) -> None:
    softfloat.set_tininess_mode(softfloat.TininessMode.AFTER_ROUNDING)
    reference = theirs(format_, operation, mode)
    rng = random.Random(f"{format_} {operation} {mode}")
    target = result_format(format_, operation)
    for _ in range(COUNT):
        x, y = operand(rng, format_), operand(rng, format_)
        if is_nan(format_, x) or (operation in NAMES and is_nan(format_, y)):
            continue  # Its NaNs are coded the other way round.
        result, fcsr = computed(format_, operation, x, y, mode)
        expected, flags = reference(x, y)
        assert causes(fcsr) == flags, (hex(x), hex(y))
        if not flags & fp.INVALID:
            assert result == expected, (hex(x), hex(y))
        elif target == fp.WORD:
            assert result == 0x7FFFFFFF
        else:
            assert result in (0x7FBFFFFF, 0x7FF7FFFFFFFFFFFF)
