"""The watchdog: stops guests that make no progress (System/161's option -Z)."""

from kseg.machine.board import Board
from kseg.machine.clock import SECOND
from kseg.machine.statistics import retired
from kseg.monitor.burst_loop import Look
from kseg.monitor.observer import Observer
from kseg.monitor.stop import Stop, StopReason


class Watchdog(Observer):
    """Option -Z: user-mode instructions must be executed now and then. There is a warning where
    there were none in a virtual time in which the machine runs, and the run stops after twice as
    long."""

    def __init__(self, seconds: int, board: Board) -> None:
        """`seconds` of virtual time without progress are for a warning."""
        self._timeout = seconds * SECOND
        self._board = board
        self._deadline = self._timeout
        self._seen = self._executed()
        self._warned = False
        self._run_cycles = board.clock.run_cycles

    @property
    def looks(self) -> Look:
        return Look.EVERY_BURST

    def state_loaded(self) -> None:
        """The machine has the whole time again."""
        self._deadline = self._board.clock.now + self._timeout
        self._seen = self._executed()
        self._warned = False

    def _executed(self) -> int:
        return sum(retired(each)[1] for each in self._board.processors)

    def between_bursts(self) -> Stop | None:
        """Warn at the first deadline without progress, stop at the second."""
        clock = self._board.clock
        if clock.run_cycles == self._run_cycles:
            return None  # Nothing but idle time has passed.
        self._run_cycles = clock.run_cycles
        now, executed = clock.now, self._executed()
        if executed != self._seen:
            self._seen = executed
            self._deadline = now + self._timeout
            self._warned = False
            return None
        if now < self._deadline:
            return None
        self._deadline = now + self._timeout
        seconds = self._timeout // SECOND
        if not self._warned:
            self._warned = True
            self._board.message(f"Caution: no progress in {seconds} seconds")
            return None
        self._warned = False
        text = f"No progress in {2 * seconds} seconds"
        self._board.message(text)
        return Stop(StopReason.NO_PROGRESS, 1, text)
