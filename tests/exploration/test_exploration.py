"""A planted race is found, kept, made small and run again."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from kseg import Machine, explore
from kseg.api.replay import Replay
from kseg.errors import ConfigurationError, StateError
from kseg.exploration.exploration import Exploration, UnperturbedFailure, _complaint
from kseg.exploration.plans import STRATEGIES
from kseg.exploration.report import LOST, Trial
from kseg.exploration.start import Start
from kseg.exploration.trial import Goal, Outcome
from kseg.monitor.stop import StopReason
from tests.cli.command import kseg
from tests.cli.kernels import printing
from tests.exploration.racing import boot, racing
from tests.exploration.test_pool import dying
from tests.machine.boards import configure

SEEDS = 40
WINDOW = 9
"""Instructions: one preemption in twenty or so makes a run fail."""


def outcome(path: Path, **options: Any) -> str:
    with Replay(path, **options).machine as machine:
        machine.run()
        return machine.console.output


@pytest.mark.parametrize("guest", [{"card": False}, {"card": True}])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_race_is_found(tmp_path: Path, guest: dict[str, bool], strategy: str) -> None:
    with boot(tmp_path, racing(window=WINDOW, **guest)) as machine:
        report = explore(
            machine,
            SEEDS,
            expect="right",
            reject="wrong",
            strategy=strategy,
            jobs=2,
            keep=tmp_path / "kept",
        )
        assert machine.cycles == 0
    assert [trial.seed for trial in report.trials] == list(range(1, SEEDS + 1))
    assert report.unperturbed.passed
    assert report.had_effect
    assert 1 <= len(report.failures) < SEEDS
    assert [group.outcome.ending for group in report.groups] == ["passed", "rejected"]
    for trial in report.failures[:3]:
        assert trial.kept is not None
        assert outcome(trial.kept) == "sum wrong"
    for trial in report.trials:
        assert (trial.kept is not None) == trial.failed


def test_runs_are_the_same_every_time(tmp_path: Path) -> None:
    def run(jobs: int, **options: Any) -> list[Trial]:
        with boot(tmp_path, racing(window=WINDOW), **options) as machine:
            machine.run(cycles=50_000)
            report = explore(
                machine, range(5, 25), expect="right", seconds=0.1, jobs=jobs, keep=tmp_path
            )
            return report.trials

    assert run(1, engine="interpreter") == run(3)


def test_failures_replay_on_all_engines_to_the_cycle(tmp_path: Path) -> None:
    with boot(tmp_path, racing(window=WINDOW)) as machine:
        report = explore(machine, SEEDS, expect="right", reject="wrong", keep=tmp_path)
    kept = report.failures[0].kept
    assert kept is not None
    states = []
    for way in ({"engine": "interpreter"}, {"engine": "translator"}, {"monitor": "hybrid"}):
        with Replay(kept, **way).machine as machine:
            machine.run()
            assert machine.board.struck[: len(report.failures[0].outcome.struck)] == (
                report.failures[0].outcome.struck
            )
            states.append(msgspec.structs.replace(machine.save(), configuration=""))
    assert states[0] == states[1] == states[2]


def test_shrinking(tmp_path: Path) -> None:
    with boot(tmp_path, racing(window=WINDOW)) as machine:
        report = explore(
            machine,
            10,
            expect="right",
            reject="wrong",
            preemptions=40,
            shrink=True,
            keep=tmp_path,
            jobs=1,  # else which failure is the first depends on which is quicker
        )
    shrunk = [trial for trial in report.trials if trial.shrunk_from is not None]
    # One of each kind; there is one kind.
    assert len(shrunk) == 1
    (trial,) = shrunk
    assert trial.shrunk_from == 40
    assert len(trial.plan) <= 2
    assert trial.outcome.ending == "rejected"
    assert trial.kept is not None
    with Replay(trial.kept).machine as machine:
        assert machine.preemptions == trial.plan
    assert outcome(trial.kept, engine="interpreter") == "sum wrong"


def test_a_guest_that_fails_anyway(tmp_path: Path) -> None:
    with boot(tmp_path, printing("wrong")) as machine:
        with pytest.raises(
            UnperturbedFailure, match=r"ends \(power-off\) before it prints 'right'"
        ):
            explore(machine, 3, expect="right")
        with pytest.raises(UnperturbedFailure, match="prints 'wr' before it prints 'ong'"):
            explore(machine, 3, expect="ong", reject="wr")


def test_wrong_arguments(tmp_path: Path) -> None:
    with boot(tmp_path, printing("right")) as machine:
        for options, text in [
            ({"strategy": "best"}, "no such strategy; there are mix, shared, random, pct, places"),
            ({"preemptions": -1}, "preemptions -1: give"),
            ({"preemptions": 1_000_000}, "from 0 to 10000"),
            ({"jobs": 0}, "jobs 0: give"),
        ]:
            with pytest.raises(ConfigurationError, match=text):
                explore(machine, 1, expect="right", **options)  # type: ignore[arg-type]


def test_a_process_that_dies_is_a_failure_of_its_seed(tmp_path: Path) -> None:
    with boot(tmp_path, racing()) as machine, Start(machine) as start:
        exploration = Exploration(
            start, Goal("sum"), jobs=2, keep=tmp_path / "kept", command=dying(3), shrink=True
        )
        list(exploration.run(range(1, 7)))
        (lost,) = exploration.report.failures
        assert (lost.seed, lost.outcome.ending) == (3, LOST)
        assert "killed by signal 9" in lost.outcome.message
        assert lost.plan == exploration.plan(3).preemptions
        assert lost.kept is not None
        with Machine.from_snapshot(lost.kept) as again:
            assert again.preemptions == lost.plan
            again.run(seconds=1)
            assert "sum" in again.console.output


def test_what_cannot_be_kept_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        boot(tmp_path, racing(window=WINDOW)) as machine,
        pytest.raises(
            StateError, match=r"seed \d+ fails \([a-z-]+\), but: .*file.*nothing was kept"
        ),
    ):
        explore(machine, SEEDS, expect="right", keep=tmp_path / "file")


def test_earlier_failures_stay_good(tmp_path: Path) -> None:
    """Explorations from other starting points share the directory."""
    kept = []
    for cycles in (0, 20_000):
        with boot(tmp_path, racing(window=WINDOW)) as machine:
            machine.run(cycles=cycles)
            report = explore(machine, range(1, 60), expect="right", keep=tmp_path / "kept")
            kept += [trial.kept for trial in report.failures]
    for path in kept:
        assert path is not None
        assert outcome(path) == "sum wrong\n"


def test_disks_are_overlays(tmp_path: Path) -> None:
    image = tmp_path / "disk"
    assert kseg("disk", "create", "--format", image, "5M").returncode == 0
    before = image.read_bytes()
    text = "echo hello > a:/f; cat a:/f; halt"
    configuration = configure(disks=[image])
    with (
        Machine("cms", text, config=configuration) as machine,
        pytest.raises(ConfigurationError, match="for itself; give the disk the argument overlay"),
    ):
        explore(machine, 1, expect="hello")
    with Machine("cms", text, config=configuration, overlay=True) as machine:
        report = explore(machine, 5, expect="hello", jobs=2, keep=tmp_path / "kept")
        assert len(report.trials) == 5
    assert image.read_bytes() == before


def test_a_guest_that_fails_anyway_is_said_to_as_a_report_does() -> None:
    finding = "deadlock: thread x waits for lock y, which it holds itself: it can never go on"
    for goal in (Goal(None), Goal("right")):
        said = _complaint(goal, Outcome(StopReason.IDLE, finding=finding, last_line="so far"))
        assert said.startswith("without preemptions too, the guest ends (idle forever) ")
        assert said.endswith(f"its last line: 'so far'); {finding}")
