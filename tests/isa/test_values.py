"""The arithmetic of the declarations, on ints."""

from hypothesis import given
from hypothesis import strategies as st

from kseg.isa.values import divide, negation, select, signed, word

words = st.integers(0, 0xFFFFFFFF)
signed_words = st.integers(-(1 << 31), (1 << 31) - 1)


@given(st.integers())
def test_word_is_the_residue(value: int) -> None:
    assert word(value) == value % (1 << 32)


@given(signed_words)
def test_signed_undoes_word(value: int) -> None:
    assert signed(word(value)) == value


@given(st.integers(), st.integers(1, 64))
def test_signed_looks_at_its_bits_only(value: int, bits: int) -> None:
    result = signed(value, bits)
    assert -(1 << (bits - 1)) <= result < 1 << (bits - 1)
    assert (result - value) % (1 << bits) == 0


@given(st.booleans(), st.integers(), st.integers())
def test_select_takes_one_of_two(condition: bool, first: int, second: int) -> None:
    assert select(condition, first, second) == (first if condition else second)
    assert select(negation(condition), first, second) == (second if condition else first)


@given(signed_words, signed_words.filter(bool))
def test_division_truncates_and_the_remainder_has_the_dividends_sign(
    dividend: int, divisor: int
) -> None:
    quotient, remainder = divide(dividend, divisor)
    assert quotient * divisor + remainder == dividend
    assert abs(remainder) < abs(divisor)
    assert remainder == 0 or (remainder < 0) == (dividend < 0)


@given(words)
def test_dividing_by_zero_gives_some_number(dividend: int) -> None:
    assert all(isinstance(part, int) for part in divide(dividend, 0))


def test_the_most_negative_number_divided_by_minus_one_does_not_fit_but_wraps() -> None:
    assert divide(-(1 << 31), -1) == (1 << 31, 0)
    assert signed(1 << 31) == -(1 << 31)
