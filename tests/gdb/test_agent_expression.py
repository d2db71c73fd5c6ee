"""Conditions that GDB has compiled: what they come to, and what is no expression."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg.gdb.agent_expression import EvaluationError, Expression, expressions
from kseg.gdb.packets import Malformed

WORDS = st.integers(0, (1 << 64) - 1)


class Fixed:
    """Registers hold their numbers; memory is a few bytes at 0x80001000, big-endian."""

    def register(self, number: int) -> int:
        return number

    def memory(self, address: int, size: int) -> int:
        start = (address & 0xFFFFFFFF) - 0x80001000
        data = b"\x01\x02\xff\x04\x05\x06\x07\x08"[start : start + size] if start >= 0 else b""
        if len(data) != size:
            raise LookupError(address)
        return int.from_bytes(data, "big")


def value(code: str) -> int:
    return Expression(bytes.fromhex(code)).value(Fixed())


def signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


def push(number: int) -> str:
    return f"25{number:016x}"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("2205 27", 5),
        ("260004 27", 4),
        ("23fffb 1610 27", (1 << 64) - 5),
        ("22fb 1608 2a08 27", 0xFB),
        ("2480001000 17 27", 1),
        ("2480001000 18 27", 0x0102),
        ("2480001002 19 27", 0xFF040506),
        ("2480001000 1a 27", 0x0102FF0405060708),
        ("2201 2202 2203 33 04 02 27", 5),  # 3 1 2
        ("2201 2202 2b 03 27", 1),
        ("2201 2209 3201 29 28 02 27", 18),
        ("2200 0e 20000a 2207 27 00 27", None),
        ("2200 0e 200009 2207 27 2209 27", 9),
        ("2200 200008 2207 27 2209 27", 7),
        ("210004 27 2203 27", 3),
        ("22ff 12 22ff 0f 27", 0),
        ("2207 1608 22fe 1608 05 27", (1 << 64) - 3),
        ("2207 22fe 1608 07 27", 1),
    ],
)
def test_values(code: str, expected: int | None) -> None:
    if expected is None:
        with pytest.raises(Malformed):
            value(code)
    else:
        assert value(code) == expected


@given(WORDS, WORDS)
def test_numbers_have_64_bits(a: int, b: int) -> None:
    two = push(a) + push(b)
    mask = (1 << 64) - 1
    assert value(two + "0227") == (a + b) & mask
    assert value(two + "0327") == (a - b) & mask
    assert value(two + "0427") == a * b & mask
    assert value(two + "1427") == (signed(a) < signed(b))
    assert value(two + "1527") == (a < b)
    if b:
        assert value(two + "0627") * b + value(two + "0827") == a
        quotient, remainder = signed(value(two + "0527")), signed(value(two + "0727"))
        assert (quotient * signed(b) + remainder) & mask == a
        assert abs(remainder) < abs(signed(b))


@pytest.mark.parametrize(
    "code",
    [
        "27",  # nothing on the stack
        "02 27",
        "2201 2200 05 27",
        "2201 2200 06 27",
        "2400001000 19 27",  # no memory
        "210000",  # for ever
        "2201 210000",  # ever more
        "210001 27",  # into the middle
        "2201",  # no end
        "2201 3205 27",
        "2201 33 27",
    ],
)
def test_what_has_no_value(code: str) -> None:
    with pytest.raises(EvaluationError):
        value(code)


@given(st.binary(max_size=40))
def test_any_bytes_are_survived(code: bytes) -> None:
    try:
        found = Expression(code).value(Fixed())
    except (Malformed, EvaluationError):
        return
    assert 0 <= found < 1 << 64


def test_those_of_a_packet() -> None:
    assert [each.code for each in expressions(b"X3,220127X1,27")] == [b"\x22\x01\x27", b"\x27"]
    assert expressions(b"") == ()
    for wrong in (b"X", b"X3", b"X3,", b"X3,2201", b"Y1,27", b"X1,27X", b"X1,zz", b"X0,", b"X1,ff"):
        with pytest.raises(Malformed):
            expressions(wrong)
