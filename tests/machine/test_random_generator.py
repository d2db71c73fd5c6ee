import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg.machine.random_generator import RandomGenerator, RandomState

seeds = st.integers(0, 0xFFFFFFFF)


@pytest.mark.parametrize(
    ("seed", "numbers"),
    [
        (1, [1804289383, 846930886, 1681692777]),
        (0, [1804289383, 846930886, 1681692777]),
        (2, [1505335290, 1738766719, 190686788]),
        (12345, [383100999, 858300821, 357768173]),
        (0x80000000, [1336741213, 1210407648, 1447044896]),
        (0xFFFFFFFF, [254925627, 1205188300, 366127624]),
    ],
)
def test_the_c_library_s_numbers(seed: int, numbers: list[int]) -> None:
    generator = RandomGenerator(seed)
    assert [generator.next() for _ in numbers] == numbers


@given(seeds, st.integers(0, 100))
def test_a_saved_generator_goes_on_where_it_was(seed: int, drawn: int) -> None:
    generator, other = RandomGenerator(seed), RandomGenerator()
    for _ in range(drawn):
        generator.next()
    other.load(generator.save())
    assert [generator.next() for _ in range(70)] == [other.next() for _ in range(70)]


@pytest.mark.parametrize("words", [[], [0] * 30, [0] * 30 + [1 << 32], [-1] * 31])
def test_impossible_states_are_refused(words: list[int]) -> None:
    with pytest.raises(ValueError, match="31 32-bit words"):
        RandomGenerator().load(RandomState(words))
