"""Bit patterns: parsing, fields, overlap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg.isa.pattern import Field, Pattern, PatternError

ADDU = Pattern("000000 sssss ttttt ddddd ----- 100001")


def test_mask_and_match_cover_the_fixed_bits() -> None:
    assert ADDU.mask == 0xFC00003F
    assert ADDU.match == 0x00000021


def test_fields_are_found_from_the_left() -> None:
    assert ADDU.fields == {"s": Field(21, 5), "t": Field(16, 5), "d": Field(11, 5)}
    assert list(ADDU.fields) == ["s", "t", "d"]


def test_a_word_matches_whatever_its_ignored_bits_are() -> None:
    assert ADDU.matches(0x00851021)
    assert ADDU.matches(0x008517E1)
    assert not ADDU.matches(0x00851020)


@given(st.integers(0, 0xFFFFFFFF), st.integers(0, 27), st.integers(1, 5))
def test_extracting_undoes_inserting(word: int, low: int, width: int) -> None:
    field = Field(low, width)
    value = field.extract(word)
    assert field.insert(value) == word & ((1 << width) - 1) << low


@pytest.mark.parametrize("value", [-1, 32])
def test_a_value_that_does_not_fit_is_refused(value: int) -> None:
    with pytest.raises(ValueError, match="does not fit in 5 bits"):
        Field(0, 5).insert(value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("0101", "not 32 characters"),
        ("0" * 31 + "2", "not 32 characters"),
        ("0" * 31 + "A", "not 32 characters"),
        ("s" + "0" * 30 + "s", "in two pieces"),
    ],
)
def test_malformed_patterns_are_refused(text: str, complaint: str) -> None:
    with pytest.raises(PatternError, match=complaint):
        Pattern(text)


def test_overlap_is_symmetric_and_found_through_free_bits() -> None:
    loose = Pattern("000000 ----- ----- ----- ----- 1000--")
    other = Pattern("000000 sssss ttttt ddddd ----- 100101")
    assert ADDU.overlaps(loose)
    assert loose.overlaps(ADDU)
    assert not ADDU.overlaps(other)
    assert not other.overlaps(ADDU)
