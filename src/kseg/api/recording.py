"""A machine that is being recorded."""

from pathlib import Path
from typing import TYPE_CHECKING

from kseg.api.snapshots import check_savable, is_whole, origin_of
from kseg.errors import LogError, StateError
from kseg.history.log import LogWriter
from kseg.history.recorder import Recorder
from kseg.monitor.bare import Stop

if TYPE_CHECKING:
    from kseg.api.machine import Machine


class Recording:
    """Writes a machine's log until `finish`, or as long as the host takes it."""

    def __init__(self, machine: "Machine", path: str | Path) -> None:
        """See `Machine.record`."""
        if machine.recording is not None and machine.recording.goes_on:
            raise LogError(f"log {path}: the machine is being recorded already")
        if machine.board.outside.replaying:
            raise LogError(f"log {path}: the machine repeats a recorded run")
        check_savable(machine)
        setup = machine._setup
        if setup.quantum > 1 and len(machine.board.processors) > 1:
            raise StateError(
                "several processors can be recorded with turns of one cycle only, for longer ones"
                " depend on where a run is cut; leave out --quantum"
            )
        self.path = Path(path)
        self._machine = machine
        self._last: Stop | None = None
        self._recorder = Recorder(
            LogWriter(path),
            machine.board,
            lambda: machine.engine.clock,
            lambda: origin_of(machine),
            lambda: is_whole(machine),
        )
        machine.companions.append(self)
        machine.recording = self

    @property
    def goes_on(self) -> bool:
        """Whether what happens is still written down."""
        return self._recorder.next_cycle is not None

    @property
    def next_cycle(self) -> int | None:
        """Where the machine is to stand for a moment."""
        return self._recorder.next_cycle

    def attend(self, stop: Stop) -> Stop | None:
        """The machine stands."""
        self._last = stop
        return self._recorder.attend(stop)

    def mark(self, text: str) -> None:
        """Leave a marker in the log here, which `kseg timeline` shows."""
        self._recorder.mark(text)

    def changed(self) -> None:
        """Somebody has changed the machine by hand: the log will say what it has become."""
        self._recorder.changed()

    def finish(self) -> None:
        """The log ends here; a second time does nothing."""
        self._recorder.finish(self._last)
        if self in self._machine.companions:
            self._machine.companions.remove(self)
