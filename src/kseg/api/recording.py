"""A machine that is being recorded."""

from pathlib import Path
from typing import TYPE_CHECKING

from kseg import checks
from kseg.api.snapshots import can_be_cut, check_savable, is_whole, origin_of
from kseg.errors import LogError, StateError
from kseg.history.checkpoints import Checkpoint
from kseg.history.input_recorder import InputRecorder
from kseg.history.log import LogWriter
from kseg.history.recorder import Intervals, Recorder
from kseg.machine.run_lock import RunLock

if TYPE_CHECKING:
    from kseg.api.virtual_machine import VirtualMachine


class Recording:
    """Writes a machine's log until `finish`, or as long as the host takes it."""

    def __init__(
        self, machine: "VirtualMachine", path: str | Path, intervals: Intervals | None = None
    ) -> None:
        """See `Machine.record`; `intervals` say how often digests and keyframes are written."""
        if machine.recording is not None and machine.recording.goes_on:
            raise LogError(f"log {path}: the machine is being recorded already")
        if machine.board.input_port.replaying:
            raise LogError(f"log {path}: the machine repeats a recorded run")
        check_savable(machine)
        if not can_be_cut(machine):
            raise StateError(
                "several processors can be recorded with turns of one cycle only, for longer ones"
                " depend on where a run is cut; leave out --quantum"
            )
        self.path = Path(path)
        self._machine = machine
        self._recorder = Recorder(
            LogWriter(path),
            machine.board,
            machine.observers,
            lambda: machine.engine.clock,
            lambda: origin_of(machine, alone=True),
            lambda: is_whole(machine),
            lambda: len(machine.console.output),
            intervals,
        )
        machine.recording = self

    @property
    def goes_on(self) -> bool:
        """Whether what happens is still written down."""
        return self._recorder.next_cycle is not None

    @property
    def beginning(self) -> Checkpoint:
        """The state with which it began, or what an edit by the user has made of it since."""
        return self._recorder.beginning

    @property
    def input_recorder(self) -> InputRecorder:
        """The input recorder, which knows what has come in since."""
        return self._recorder.input_recorder

    @property
    def problem(self) -> str:
        """Why the recording has ended, if not by the user's wish; "" otherwise."""
        return self._recorder.problem

    def mark(self, text: str) -> None:
        """Leave a marker in the log here, for `kseg replay --cast` and other readers."""
        self._lock.check_thread()
        self._recorder.mark(checks.text("text", text))

    def changed(self) -> None:
        """The user has edited the machine: the log will say what it has become. Memory,
        registers and `reset` say so themselves."""
        self._lock.check_thread()
        self._machine.board.changed()

    def finish(self, exit_code: int | None = None) -> None:
        """The log ends here; a second time does nothing. `exit_code` is what a replay's command
        line exits with, where the guest does not say."""
        if exit_code is not None:
            exit_code = checks.whole("exit_code", exit_code, 0, 255)
        if self.goes_on:
            with self._lock:
                self._recorder.finish(exit_code)

    def __enter__(self) -> "Recording":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.finish()

    @property
    def _lock(self) -> RunLock:
        return self._machine.board.run_lock
