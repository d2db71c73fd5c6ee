"""Writes down what comes into a machine while it runs, so that the run can be repeated.

A log begins with the machine's state. Then it says what came in, and when; at cycles of the
recorder's choosing what the state was like (`digest`), so that a run that is repeated can be told
from the recorded one; and now and then the whole state, so that a replay can begin there.
"""

import time
from collections.abc import Callable

from kseg.errors import LogError
from kseg.history.digest import processors_digest, whole_digest
from kseg.history.log import Digest, Edit, End, LogWriter, Marker
from kseg.history.rhythm import Rhythm
from kseg.history.state import Origin
from kseg.history.witness import Witness
from kseg.machine.inputs import Item
from kseg.machine.system161 import System161
from kseg.monitor.bare import Stop, StopReason

SHORT, LONG = 50_000_000, 200_000_000
"""ns of the host's time: from one digest to the next it is to be between these."""
WHOLE = 2_000_000_000
"""ns of the host's time between digests of the whole state."""
KEYFRAME = 30_000_000_000
"""The same for keyframes."""


BETWEEN = (
    StopReason.POWER_OFF,
    StopReason.CYCLE_LIMIT,
    StopReason.CONDITION,
    StopReason.IDLE,
    StopReason.INTERRUPTED,
)
"""Stops at which no instruction is under way."""
MET_AGAIN = (StopReason.POWER_OFF, StopReason.CYCLE_LIMIT)
"""Those at which a replay stands exactly as the recorded machine did."""


class Recorder:
    """Writes a machine's log. Whoever runs the machine stops it at `next_cycle` and calls `attend`,
    as for every companion; with `changed` it is told that somebody has changed the machine."""

    def __init__(
        self,
        writer: LogWriter,
        board: System161,
        clock: Callable[[], int],
        origin: Callable[[], Origin],
        whole: Callable[[], bool],
    ) -> None:
        """`clock` is the engine's cycle counter, `origin` what snapshots say of the machine, and
        `whole` whether all processors stand between the same two cycles. LogError when the host
        refuses to take the beginning."""
        self._writer, self._board, self._clock, self._origin = writer, board, clock, origin
        self._whole = whole
        self.problem = ""
        """Why the recording came to its end, if it was not asked to."""
        self.witness = Witness(board, self._came_in)
        self._edited = False
        self._rhythm = Rhythm(SHORT, LONG)
        self._kept = self._drawn = time.perf_counter_ns()
        try:
            writer.add_keyframe(self.witness.state(), origin())
        except BaseException:
            self.witness.leave()
            writer.abandon()
            raise
        self._next: int | None = clock() + self._rhythm.stretch

    @property
    def next_cycle(self) -> int | None:
        """When `attend` wants to be called; None when it does not."""
        return self._next

    def attend(self, stop: Stop) -> Stop | None:  # noqa: ARG002
        """The machine stands: at `next_cycle`, or before it."""
        if self._next is not None and self._clock() >= self._next and self._whole():
            self._guard(self._look)
        return None

    def mark(self, text: str) -> None:
        """Leave a marker for readers here."""
        self._guard(lambda: self._writer.add(Marker(self._clock(), self._board.clock.now, text)))

    def changed(self) -> None:
        """Somebody has changed the machine by hand."""
        if self._next is not None and not self._edited:
            self._edited = True
            self._next = self._clock() + int(not self._whole())

    def finish(self, stop: Stop | None) -> None:
        """The run ends here, by `stop` if that is known."""
        if self._next is None:
            return
        self._guard(lambda: self._end(stop))
        self._leave()

    def _end(self, stop: Stop | None) -> None:
        if self._whole() and stop is not None and stop.reason in MET_AGAIN:
            self._draw(whole=True)
        reason = "" if stop is None else stop.reason
        code, message = (None, "") if stop is None else (stop.exit_code, stop.message)
        self._writer.add(End(self._clock(), self._board.clock.now, reason, code, message))
        self._writer.close()

    def _leave(self) -> None:
        self._next = None
        self.witness.leave()
        self._writer.abandon()

    def _guard(self, write: Callable[[], None]) -> None:
        """A log that cannot be written is no reason for the machine to stop."""
        if self._next is None:
            return
        try:
            write()
        except LogError as error:
            self.problem = f"{error}; the recording ends at cycle {self._clock()}"
            self._leave()
            self._board.message(self.problem)

    def _came_in(self, item: Item) -> None:
        self._guard(lambda: self._writer.add(item))

    def _look(self) -> None:
        now = time.perf_counter_ns()
        if self._edited:
            self._edited = False
            self._writer.add(Edit(self._clock()))
            self._keyframe(now)
        elif now - self._kept > KEYFRAME:
            self._keyframe(now)
        self._draw(whole=now - self._drawn > WHOLE)
        self._writer.flush()
        self._next = self._clock() + self._rhythm.beat()

    def _keyframe(self, now: int) -> None:
        self._kept = now
        self._writer.add_keyframe(self.witness.state(), self._origin())

    def _draw(self, *, whole: bool) -> None:
        board = self._board
        found = None
        if whole:
            found = whole_digest(board)
            self._drawn = time.perf_counter_ns()
        self._writer.add(Digest(self._clock(), processors_digest(board), found))
