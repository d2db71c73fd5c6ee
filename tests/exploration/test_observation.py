"""What is learned from runs before an exploration."""

from pathlib import Path

import pytest

from kseg import Machine
from kseg.exploration.observation import samples, shared_sites
from kseg.exploration.plans import Baseline, learning_runs
from kseg.exploration.sharing import SiteKind
from kseg.exploration.trial import Goal, Trials
from kseg.machine.preemption import Preemption
from tests.exploration.racing import boot, racing


def test_looks_are_spread_over_the_busy_cycles() -> None:
    with Machine("cms", "sleep 20; primes 100; halt", epoch=0) as machine:
        trials = Trials(machine, Goal("97\n"))
        length = trials.run([]).busy_cycles
        found = samples(machine, length, 200)
        assert 195 <= len(found) <= 200
        assert len({sample.pc for sample in found}) > 10
        assert [sample.at for sample in found[:3]] == [0, length // 200, 2 * length // 200]
        assert samples(machine, 10 * length, 100)[-1].at < 2 * length


@pytest.mark.parametrize(
    ("exercise", "function", "kind"),
    [
        ("race", "count", SiteKind.LOADS),
        pytest.param("wakeup", "reader", SiteKind.LOADS, marks=pytest.mark.slow),
        pytest.param("free", "receiver", SiteKind.STORES, marks=pytest.mark.slow),
        pytest.param("deadlock", "interrupts_restore", SiteKind.LOCKS, marks=pytest.mark.slow),
    ],
)
def test_places_where_threads_touch_the_same_are_found(
    exercise: str, function: str, kind: SiteKind
) -> None:
    """And a preemption there is one before the very instruction."""
    with Machine("racelab", exercise, epoch=0) as machine:
        trials = Trials(machine, Goal("SUCCESS"))
        length = trials.run([]).busy_cycles
        runs = learning_runs(Baseline(0, length, 1, []), 10)
        found = shared_sites(machine, length, runs)
        names = [
            (symbol.symbol.name, site)
            for site in found
            if (symbol := machine.symbols.location(site.pc)) is not None
        ]
        chosen = [site for name, site in names if name == function and site.kind == kind]
        assert chosen
        for site in chosen[:3]:
            for point in site.points[:: len(site.points) // 2 + 1]:
                before = [each for each in runs[point.run] if each.at < point.at]
                outcome = trials.run([*before, Preemption(point.at, point.processor)])
                assert outcome.struck[-1].pc == site.pc or outcome.struck[len(before)].pc == site.pc


def test_points_are_where_the_run_was() -> None:
    """Beside another processor, too."""
    with Machine("racelab", "race", epoch=0, cpus=2) as machine:
        found = shared_sites(machine, 1_300_000, [[]])
        chosen = [site for site in found if site.kind == SiteKind.LOADS]
        assert chosen
        for site in chosen:
            with machine.fork() as clone:
                point = site.points[-1]
                while clone.busy_cycles < point.at:
                    clone.run(cycles=point.at - clone.busy_cycles)
                assert clone.processors[point.processor].pc == site.pc


def test_idle_time_does_not_count() -> None:
    with Machine("cms", "sleep 20; primes 30; halt", epoch=0) as machine:
        length = Trials(machine, Goal("29")).run([]).busy_cycles
        points = [point.at for site in shared_sites(machine, length, [[]]) for point in site.points]
        assert length * 3 // 4 < max(points) <= length


def test_sites_are_the_same_under_a_monitor(tmp_path: Path) -> None:
    with (
        boot(tmp_path, racing()) as machine,
        boot(tmp_path, racing(), monitor="hybrid") as guest,
    ):
        assert shared_sites(guest, 10_000, [[]]) == shared_sites(machine, 10_000, [[]])
