from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg.exploration.plans import LINE, REACH, STRATEGIES, Course, Look, places, plan
from kseg.machine.preemption import Preemption

LOOKS = [Look(1000 + n, n % 2, 0x80001000 if n % 10 else 0x80002000) for n in range(100)]
COURSE = Course(begin=1000, length=50_000, processors=2, places=places(LOOKS))


@pytest.mark.parametrize("strategy", STRATEGIES)
@given(seed=st.integers(0, 1 << 60), most=st.integers(0, 50))
def test_a_plan_is_in_order_and_within_the_run(strategy: str, seed: int, most: int) -> None:
    found = plan(strategy, seed, most, COURSE)
    assert found == sorted(found) == plan(strategy, seed, most, COURSE)
    assert all(1000 <= each.at < 51_000 and each.processor in (0, 1) for each in found)
    # In pct a run has at least one.
    assert len(found) == most or (strategy == "pct" and 1 <= len(found) <= max(most, 1))


def test_a_seed_stands_for_the_same_plan_for_ever() -> None:
    """Seeds are written down: a plan may not change with kseg or Python."""
    assert plan("random", 7, 2, COURSE) == [Preemption(17191, 0), Preemption(33546, 0)]


def test_random_ones_are_everywhere() -> None:
    found = Counter(
        (each.at - 1000) // 5000 for seed in range(200) for each in plan("random", seed, 10, COURSE)
    )
    assert set(found) == set(range(10))
    assert max(found.values()) < 2 * min(found.values())


def test_pct_has_few_of_each_number() -> None:
    counts = Counter(len(plan("pct", seed, 3, COURSE)) for seed in range(100))
    assert set(counts) == {1, 2, 3}


def test_rare_places_are_as_likely_as_frequent_ones() -> None:
    rare = {look.at for look in LOOKS if look.pc == 0x80002000}
    near = sum(
        any(0 <= each.at - at < REACH for at in rare)
        for seed in range(300)
        for each in plan("places", seed, 1, COURSE)
    )
    assert near > 140
    # Without looks there are no places.
    nowhere = COURSE._replace(places=[])
    assert plan("places", 1, 3, nowhere) == plan("random", 1, 3, nowhere)


def test_looks_fall_into_lines_of_code() -> None:
    found = places([Look(1, 0, 0x1000), Look(2, 0, 0x1000 + LINE), Look(3, 0, 0x1004)])
    assert [[look.at for look in line] for line in found] == [[1, 3], [2]]
