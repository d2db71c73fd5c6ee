"""What a replay's verifier says of a machine that stands."""

from pathlib import Path

import pytest

from kseg.api.replay import Replay
from kseg.errors import DivergenceError
from kseg.monitor.stop import Stop, StopReason
from tests.history.logs import DIGESTS, recorded


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with recorded(tmp_path / "log", DIGESTS) as machine:
        machine.run(cycles=100_000)
    return tmp_path / "log"


def test_it_stops_at_each_check(path: Path) -> None:
    with Replay(path) as replay:
        verifier, machine = replay.verifier, replay.machine
        for number, cycle in enumerate(range(20_000, 100_001, 20_000), 1):
            assert verifier.next_cycle == cycle
            machine.run(cycles=20_000)
            assert (verifier.checked, verifier.same) == (number + (cycle == 100_000), cycle)
        assert machine.run().reason is StopReason.LOG_END
        assert machine.run().reason is StopReason.LOG_END
        assert verifier.end == machine.cycles == 100_000


def test_stops_of_the_user_mean_nothing(path: Path) -> None:
    with Replay(path) as replay:
        for reason in (
            StopReason.CONDITION,
            StopReason.BREAKPOINT,
            StopReason.WATCHPOINT,
            StopReason.INTERRUPTED,
            StopReason.BREAK,
            StopReason.DEBUGGER,
        ):
            assert replay.verifier.stopped(Stop(reason)) is None
        assert replay.verifier.checked == 0


@pytest.mark.parametrize("reason", [StopReason.FATAL, StopReason.POWER_OFF, StopReason.IDLE])
def test_an_end_that_comes_too_soon(path: Path, reason: StopReason) -> None:
    with Replay(path) as replay:
        replay.machine.run(cycles=50_000)
        with pytest.raises(DivergenceError, match=f"it stops .{reason}., and the recorded one did"):
            replay.verifier.stopped(Stop(reason))


def test_a_machine_that_was_changed(path: Path) -> None:
    with Replay(path) as replay:
        replay.machine.run(cycles=50_000)
        replay.machine.memory.set_word(0xF0000, 77)
        with pytest.raises(DivergenceError, match="at cycle 60000; they were the same at cycle 40"):
            replay.machine.run()


def test_another_place(path: Path) -> None:
    """The machine was put somewhere else."""
    with Replay(path) as replay, Replay(path) as other:
        replay.machine.run(cycles=30_000)
        state, position = replay.machine.save(), replay.machine.board.input_port.position
        place, same = replay.verifier.place, replay.verifier.same
        replay.machine.run(cycles=30_000)
        for each in (replay, other):
            each.machine.board.load(state)
            each.machine.board.input_port.replay(each.log.history, position)
            each.machine.monitor.state_loaded()
            each.verifier.go_to(place, same)
            assert each.machine.run().reason is StopReason.LOG_END
