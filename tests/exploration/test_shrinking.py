from hypothesis import given
from hypothesis import strategies as st

from kseg.exploration.shrinking import MOST_TRIALS, shrink


@given(st.sets(st.integers(0, 30), max_size=6), st.integers(31, 60))
def test_what_is_needed_is_left(needed: set[int], length: int) -> None:
    def fails(items: list[int]) -> bool:
        assert items == sorted(items)
        return needed <= set(items)

    assert shrink(range(length), fails) == sorted(needed)


def test_one_of_two_reasons_is_left() -> None:
    assert shrink(range(20), lambda items: 3 in items or {5, 9} <= set(items)) in ([3], [5, 9])


def test_it_comes_to_an_end() -> None:
    asked = []

    def fails(items: list[int]) -> bool:
        asked.append(1)
        return len(items) > 900 or (len(items) == 900 and items[0] == 50)

    assert len(shrink(range(1000), fails)) >= 900
    assert len(asked) <= MOST_TRIALS + 1


def test_nothing_to_shrink() -> None:
    assert shrink([], lambda _items: True) == []
    assert shrink([1], bool) == [1]
