"""`Replay`: a recorded run, repeated."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from kseg import engine as engines
from kseg.api.machine import Machine
from kseg.api.repeating import become, disk_sizes, repeating_machine
from kseg.api.snapshots import setup_of
from kseg.history.follower import Follower
from kseg.history.log_reader import Keyframe, Log, read_log
from kseg.history.snapshot import unpack_snapshot
from kseg.machine.configuration import parse_configuration

if TYPE_CHECKING:
    from kseg.api.travel import TimeTravel


class Replay:
    """A machine that does what a recorded one did, from a log alone: no file or disk image that the
    recorded one had is opened. What it does is held against the log all the time."""

    def __init__(
        self,
        log: str | Path | Log,
        *,
        engine: str = engines.AUTOMATIC,
        monitor: str | None = None,
        start: int = 0,
        output: Callable[[bytes], None] | None = None,
        message: Callable[[str], None] | None = None,
    ) -> None:
        """Stand where the recording began, or at the last of its keyframes before cycle `start`.

        `engine` and `monitor` may be others than the recorded machine had (`monitor` None: the
        same). LogError when the log cannot be read.
        """
        self.log = log if isinstance(log, Log) else read_log(log)
        begin = self.log.keyframe_before(start)
        header = begin.snapshot.header
        configuration = parse_configuration(header.board.configuration, f"log {self.log.path}")
        self.machine = machine = repeating_machine(
            setup_of(header.origin, configuration, engine, monitor),
            disk_sizes(header),
            self.log.history,
            lambda made: self._enter(made, begin),
            output,
            message,
        )
        """The machine: run it, look into it, but do not change it."""
        self.follower = Follower(
            self.log, machine.board, lambda: machine.engine.clock, self._become, begin
        )
        machine.companions.append(self.follower)

    def _enter(self, machine: Machine, keyframe: Keyframe) -> None:
        state = unpack_snapshot(keyframe.snapshot, machine.board)
        become(machine.board, state, self.log.history, keyframe.position)

    def _become(self, keyframe: Keyframe) -> None:
        self._enter(self.machine, keyframe)
        self.machine.monitor.state_loaded()

    def travel(self, *, memory: int | None = None) -> "TimeTravel":
        """Visit any moment of the run, also backwards, with this machine: see `TimeTravel`."""
        from kseg.api.travel import travel_in_log

        return travel_in_log(self, memory)
