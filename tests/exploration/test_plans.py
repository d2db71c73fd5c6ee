from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg.exploration.plans import (
    LINE,
    REACH,
    SHARED_TURNS,
    STRATEGIES,
    TURNS,
    Baseline,
    Sample,
    by_line,
    learning_runs,
    plan,
)
from kseg.exploration.sharing import AccessSite, Point, SiteKind
from kseg.machine.preemption import Preemption

SAMPLES = [Sample(1000 + n, n % 2, 0x80001000 if n % 10 else 0x80002000) for n in range(100)]
BASELINE = Baseline(begin=1000, length=50_000, processors=2, lines=by_line(SAMPLES))


@pytest.mark.parametrize("strategy", STRATEGIES)
@given(seed=st.integers(0, 1 << 60), most=st.integers(0, 50))
def test_a_plan_is_in_order_and_within_the_run(strategy: str, seed: int, most: int) -> None:
    found, *_ = plan(strategy, seed, most, BASELINE)
    assert found == sorted(found) == plan(strategy, seed, most, BASELINE).preemptions
    assert all(1000 <= each.at < 51_000 and each.processor in (0, 1) for each in found)
    # In pct, which is a part of the mix, a run has at least one.
    few = strategy in ("pct", "mix") and 1 <= len(found) <= max(most, 1)
    assert len(found) == most or few


def test_a_seed_stands_for_the_same_plan_for_ever() -> None:
    """Seeds are written down: a plan may not change with kseg or Python."""
    assert plan("random", 7, 2, BASELINE).preemptions == [
        Preemption(17191, 0),
        Preemption(33546, 0),
    ]


def test_random_ones_are_everywhere() -> None:
    found = Counter(
        (each.at - 1000) // 5000
        for seed in range(200)
        for each in plan("random", seed, 10, BASELINE).preemptions
    )
    assert set(found) == set(range(10))
    assert max(found.values()) < 2 * min(found.values())


def test_pct_has_few_of_each_number() -> None:
    counts = Counter(len(plan("pct", seed, 3, BASELINE).preemptions) for seed in range(100))
    assert set(counts) == {1, 2, 3}


def test_rare_places_are_as_likely_as_frequent_ones() -> None:
    rare = {sample.at for sample in SAMPLES if sample.pc == 0x80002000}
    near = sum(
        any(0 <= each.at - at < REACH for at in rare)
        for seed in range(300)
        for each in plan("places", seed, 1, BASELINE).preemptions
    )
    assert near > 140
    # Without samples there are no places.
    nowhere = BASELINE._replace(lines=[])
    assert plan("places", 1, 3, nowhere).preemptions == plan("random", 1, 3, nowhere).preemptions


def test_looks_fall_into_lines_of_code() -> None:
    found = by_line([Sample(1, 0, 0x1000), Sample(2, 0, 0x1000 + LINE), Sample(3, 0, 0x1004)])
    assert [[sample.at for sample in line] for line in found] == [[1, 3], [2]]


def site(kind: SiteKind, number: int, *points: Point) -> AccessSite:
    return AccessSite(0x80000000 + 4 * number, (), kind, list(points), frozenset([(0, 1)]))


def test_seeds_in_a_row_go_through_all_places() -> None:
    shared = [site(kind, n, Point(2000 + n, 1)) for kind in SiteKind for n in range(5)]
    baseline = BASELINE._replace(shared=shared)
    found = [plan("mix", seed, 4, baseline) for seed in range(10 * len(TURNS))]
    assert {each.strategy for each in found} == {"shared", "random", "pct"}
    for kind in SiteKind:
        met = [each.site.pc for each in found if each.site and each.site.kind == kind]
        # None comes again before all the others have come.
        for first in range(0, len(met) - 4, 5):
            assert len(set(met[first : first + 5])) == 5
    for each in found:
        if each.site is not None:
            assert each.preemptions[0] == Preemption(each.site.points[0].at, 1)
            assert len(each.preemptions) == 4
    assert {len(plan("shared", seed, 1, baseline).preemptions) for seed in range(50)} == {1}
    only = [plan("shared", seed, 4, baseline).strategy for seed in range(len(SHARED_TURNS))]
    assert set(only) == {"shared"}


def test_a_place_that_was_seen_in_another_run_is_met_in_that_run() -> None:
    runs = learning_runs(BASELINE, 10)
    assert runs[0] == []
    assert {len(run) for run in runs[1:]} == {5}
    baseline = BASELINE._replace(
        shared=[site(SiteKind.LOADS, 0, Point(30_000, 0, run=1))], runs=runs
    )
    found = plan("shared", 1, 10, baseline).preemptions
    before = [each for each in runs[1] if each.at < 30_000]
    assert found[: len(before) + 1] == [*before, Preemption(30_000, 0)]
    assert len(found) == 10
