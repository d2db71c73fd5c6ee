"""The watchdog: stops guests that make no progress (System/161's option -Z)."""

from kseg.machine.board import Board
from kseg.machine.clock import SECOND
from kseg.machine.statistics import retired
from kseg.monitor.stop import Stop, StopReason


class Watchdog:
    """Option -Z: user-mode instructions must be executed now and then."""

    def __init__(self, timeout: int, board: Board) -> None:
        """`timeout` in ns of virtual time."""
        self._timeout = timeout
        self._board = board
        self._deadline = timeout
        self._seen = self._executed()
        self._warned = False

    def restart(self) -> None:
        """Another state was loaded: the machine has the whole time again."""
        self._deadline = self._board.clock.now + self._timeout
        self._seen = self._executed()
        self._warned = False

    def _executed(self) -> int:
        return sum(retired(each)[1] for each in self._board.processors)

    def look(self) -> Stop | None:
        """Warn at the first deadline without progress, stop at the second."""
        now, executed = self._board.clock.now, self._executed()
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
