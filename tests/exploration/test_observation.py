"""What is learned from runs before an exploration."""

from pathlib import Path

import pytest

from kseg import Machine
from kseg.exploration.observation import looks, shared_places
from kseg.exploration.plans import Course, learning_runs
from kseg.exploration.sharing import Kind
from kseg.exploration.trial import Goal, Trials
from kseg.machine.preemption import Preemption
from tests.exploration.racing import boot, racing


def test_looks_are_spread_over_the_busy_cycles() -> None:
    with Machine("cms", "sleep 20; primes 100; halt", epoch=0) as machine:
        trials = Trials(machine, Goal("97\n"))
        length = trials.run([]).busy_cycles
        found = looks(machine, length, 200)
        assert 195 <= len(found) <= 200
        assert len({look.pc for look in found}) > 10
        assert [look.at for look in found[:3]] == [0, length // 200, 2 * length // 200]
        assert looks(machine, 10 * length, 100)[-1].at < 2 * length


@pytest.mark.parametrize(
    ("exercise", "function", "kind"),
    [
        ("race", "count", Kind.LOADS),
        pytest.param("wakeup", "reader", Kind.LOADS, marks=pytest.mark.slow),
        pytest.param("free", "receiver", Kind.STORES, marks=pytest.mark.slow),
        pytest.param("deadlock", "interrupts_restore", Kind.LOCKS, marks=pytest.mark.slow),
    ],
)
def test_places_where_threads_touch_the_same_are_found(
    exercise: str, function: str, kind: Kind
) -> None:
    """And a preemption there is one before the very instruction."""
    with Machine("racelab", exercise, epoch=0) as machine:
        trials = Trials(machine, Goal("SUCCESS"))
        length = trials.run([]).busy_cycles
        runs = learning_runs(Course(0, length, 1, []), 10)
        found = shared_places(machine, length, runs)
        names = [
            (symbol.symbol.name, place)
            for place in found
            if (symbol := machine.symbols.location(place.pc)) is not None
        ]
        chosen = [place for name, place in names if name == function and place.kind == kind]
        assert chosen
        for place in chosen[:3]:
            for point in place.points[:: len(place.points) // 2 + 1]:
                before = [each for each in runs[point.run] if each.at < point.at]
                outcome = trials.run([*before, Preemption(point.at, point.processor)])
                assert (
                    outcome.struck[-1].pc == place.pc or outcome.struck[len(before)].pc == place.pc
                )


def test_points_are_where_the_run_was() -> None:
    """Beside another processor, too."""
    with Machine("racelab", "race", epoch=0, cpus=2) as machine:
        found = shared_places(machine, 1_300_000, [[]])
        chosen = [place for place in found if place.kind == Kind.LOADS]
        assert chosen
        for place in chosen:
            with machine.fork() as clone:
                point = place.points[-1]
                while clone.busy_cycles < point.at:
                    clone.run(cycles=point.at - clone.busy_cycles)
                assert clone.processors[point.processor].pc == place.pc


def test_idle_time_does_not_count() -> None:
    with Machine("cms", "sleep 20; primes 30; halt", epoch=0) as machine:
        length = Trials(machine, Goal("29")).run([]).busy_cycles
        points = [
            point.at for place in shared_places(machine, length, [[]]) for point in place.points
        ]
        assert length * 3 // 4 < max(points) <= length


def test_what_cannot_be_traced_has_no_places(tmp_path: Path) -> None:
    with boot(tmp_path, racing(), monitor="hybrid") as machine:
        assert shared_places(machine, 10_000, [[]]) == []
