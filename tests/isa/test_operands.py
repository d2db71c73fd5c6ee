"""Operands: values to fields and back, and what does not fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg.isa.operands import BRANCH, FLOAT, GENERAL, JUMP, LETTERS, OperandError, parse_syntax

addresses = st.integers(0, (1 << 30) - 1).map(lambda number: number * 4)


@given(st.sampled_from(sorted(LETTERS)), st.integers(0, (1 << 26) - 1), addresses)
def test_a_field_survives_being_a_value(letter: str, number: int, address: int) -> None:
    kind = LETTERS[letter]
    width = {"i": 16, "u": 16, "b": 16, "j": 26, "q": 10, "e": 3}.get(letter, 5)
    field = number & ((1 << width) - 1)
    assert kind.to_field(kind.from_field(field, address), address) == field


@pytest.mark.parametrize(
    ("letter", "value", "complaint"),
    [
        ("i", 32768, "not from -32768 to 32767"),
        ("i", -32769, "not from -32768 to 32767"),
        ("u", -1, "not from 0 to 65535"),
        ("u", 65536, "not from 0 to 65535"),
        ("h", 32, "not from 0 to 31"),
        ("s", 32, "not from 0 to 31"),
        ("e", 8, "not from 0 to 7"),
        ("b", 0x80021008, "132.* bytes away|131076 bytes away"),
        ("b", 0x80001002, "not a multiple of 4"),
        ("j", 0x90000000, "not in the 256 MiB"),
        ("j", 0x80000001, "not a multiple of 4"),
    ],
)
def test_what_does_not_fit_is_refused(letter: str, value: int, complaint: str) -> None:
    with pytest.raises(OperandError, match=complaint):
        LETTERS[letter].to_field(value, 0x80001000)


def test_branches_wrap_around_the_address_space() -> None:
    assert BRANCH.to_field(0, 0xFFFFFFF8) == 1
    assert BRANCH.from_field(1, 0xFFFFFFF8) == 0


def test_jumps_stay_in_the_256_mib_of_the_delay_slot() -> None:
    assert JUMP.from_field(0, 0x8FFFFFFC) == 0x90000000


def test_a_syntax_is_taken_apart() -> None:
    syntax = parse_syntax("lwc1 $ft, i(s)")
    assert syntax.mnemonic == "lwc1"
    assert [operand.letter for operand in syntax.operands] == ["t", "i"]
    assert syntax.operands[0].kind is FLOAT
    assert syntax.operands[1].base == "s"
    assert parse_syntax("break c, q").required == 0
    assert parse_syntax("div zero, s, t").operands[0].fixed == 0
    assert GENERAL.text(29) == "sp"
