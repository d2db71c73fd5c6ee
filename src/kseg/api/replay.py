"""`Replay`: a recorded run, repeated."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from kseg import checks
from kseg.api.machine import Machine
from kseg.api.options import EngineOptions, check_names
from kseg.api.repeating import become, disk_sizes, repeating
from kseg.api.snapshots import setup_of
from kseg.boards import board_named
from kseg.errors import DivergenceError
from kseg.history.log_reader import Keyframe, Log, read_log
from kseg.history.replay_verifier import Divergence, ReplayVerifier
from kseg.history.snapshot import unpack_snapshot
from kseg.machine.board import Board

if TYPE_CHECKING:
    from kseg.api.travel import TimeTravel


class Replay:
    """A machine that does what a recorded one did, from a log alone: no file or disk image that the
    recorded one had is opened. What it does is held against the log all the time.

    `machine.run()` runs to the log's end, and is a Stop with the reason LOG_END or the one with
    which the guest ended; DivergenceError when the machine does something else than the recorded
    one did (`explain` says what). Close it as you close a machine.
    """

    def __init__(
        self,
        log: str | Path | Log,
        *,
        start: int = 0,
        output: Callable[[bytes], None] | None = None,
        message: Callable[[str], None] | None = None,
        **options: Unpack[EngineOptions],
    ) -> None:
        """Stand where the recording began, or at the last of its keyframes before cycle `start`.

        `engine` and `monitor` may be others than the recorded machine had: `options` are
        `kseg.api.options.EngineOptions`. `output` gets what the guest prints, `message` what the
        machine has to say. LogError when the log cannot be read, StateError when what it says of
        the machine is impossible.
        """
        check_names(options, EngineOptions)
        self.log = log if isinstance(log, Log) else read_log(checks.path("log", log))
        begin = self.log.keyframe_before(checks.whole("start", start))
        header = begin.snapshot.header
        configuration = board_named(header.board.board).read_configuration(
            header.board.configuration, f"log {self.log.path}"
        )
        self.machine = machine = Machine.assembled(
            setup_of(header.origin, configuration, options),
            repeating(
                configuration,
                disk_sizes(header),
                self.log.history,
                lambda board: self._enter(board, begin),
            ),
            output,
            message,
        )
        """The machine: run it, look into it, but do not change it."""
        self.verifier = ReplayVerifier(
            self.log, machine.board, lambda: machine.engine.clock, self._become, begin
        )
        """What holds it against the log."""
        machine.observers.add(self.verifier)

    def explain(self, error: DivergenceError) -> list[str]:
        """What differs since which cycle, after `machine.run` has raised this: a few lines. Runs
        two machines from where all was well, which may take a while."""
        from kseg.api.divergence import locate

        if not isinstance(error, DivergenceError):
            raise checks.wrong("error", error, "the DivergenceError that run has raised")
        self.machine.board.run_lock.check()
        if not isinstance(error, Divergence):
            error = Divergence(str(error), self.machine.cycles, self.verifier.same)
        return locate(self, error)

    def again(self, engine: str, monitor: str, start: int) -> "Replay":
        """The same run once more, on another engine or under another monitor."""
        return Replay(self.log, engine=engine, monitor=monitor, start=start)

    def close(self) -> None:
        """The machine cannot run any more."""
        self.machine.close()

    def __enter__(self) -> "Replay":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _enter(self, board: Board, keyframe: Keyframe) -> None:
        state = unpack_snapshot(keyframe.snapshot, board)
        become(board, state, self.log.history, keyframe.position)

    def _become(self, keyframe: Keyframe) -> None:
        self._enter(self.machine.board, keyframe)
        self.machine.monitor.state_loaded()

    def travel(self, *, memory: int | None = None) -> "TimeTravel":
        """Visit any moment of the run, also backwards, with this machine: see `TimeTravel`."""
        from kseg.api.travel import travel_in_log

        if memory is not None:
            memory = checks.whole("memory", memory)
        with self.machine.board.run_lock:
            return travel_in_log(self, memory)
