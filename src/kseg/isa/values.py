"""The arithmetic in which instructions are declared.

A *value* is an integer: a plain Python int in the reference engine, a symbolic value in the code
generators. Operators mean what they mean for Python's unbounded integers; whatever is written to
a register or to memory is cut to its width there. `signed`, `select` and the few other functions
here work on both kinds, so that one declaration serves every engine.

Products and sums of 32-bit values fit the 64 bits that code generators compute in; nothing in
the R3000 needs more.
"""

from typing import Any

Value = Any
"""An int, or anything that behaves like one (`kseg.engine.codegen.value.Symbol`)."""

WORD = 0xFFFFFFFF


def word(value: Value) -> Value:
    """The low 32 bits, as an unsigned number."""
    return value & WORD


def signed(value: Value, bits: int = 32) -> Value:
    """The low `bits` bits read as a two's-complement number."""
    if isinstance(value, int):
        sign = 1 << (bits - 1)
        return ((value & ((1 << bits) - 1)) ^ sign) - sign
    return value.signed(bits)


def select(condition: Value, if_true: Value, if_false: Value) -> Value:
    """`if_true` where `condition` holds, else `if_false`; both are computed."""
    if isinstance(condition, (bool, int)):
        return if_true if condition else if_false
    return condition.select(if_true, if_false)


def negation(condition: Value) -> Value:
    """True where `condition` is false."""
    return condition ^ True


def divide(dividend: Value, divisor: Value) -> tuple[Value, Value]:
    """Quotient truncated towards zero, and the remainder with the dividend's sign.

    A divisor of zero is the caller's to handle: the result is then some number.
    """
    if isinstance(dividend, int) and isinstance(divisor, int):
        if divisor == 0:
            return 0, 0
        quotient = abs(dividend) // abs(divisor)
        if (dividend < 0) != (divisor < 0):
            quotient = -quotient
        return quotient, dividend - quotient * divisor
    if isinstance(dividend, int):
        by: tuple[Value, Value] = divisor.divide_into(dividend)
        return by
    result: tuple[Value, Value] = dividend.divide(divisor)
    return result
