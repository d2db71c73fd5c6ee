"""The recorder: writes the input log of a run while the machine runs, so that it can be replayed.

A log begins with the machine's state. Then it says what came in, and when; at cycles of the
recorder's choosing what the state was like (`digest`), so that a run that is repeated can be told
from the recorded one; and now and then the whole state (a keyframe), so that a replay can begin
there.
"""

from collections.abc import Callable
from dataclasses import dataclass

from kseg.critical_section import critical_section
from kseg.errors import LogError
from kseg.history.adaptive_interval import AdaptiveInterval
from kseg.history.checkpoints import Checkpoint
from kseg.history.digest import processors_digest, whole_digest
from kseg.history.input_recorder import InputRecorder
from kseg.history.log import MOST_TEXT, Digest, Edit, End, LogWriter, Marker
from kseg.history.state import Origin
from kseg.machine.board import Board
from kseg.machine.input_history import Item
from kseg.monitor.observer import Observer, Order
from kseg.monitor.observers import Observers
from kseg.monitor.stop import Stop, StopReason
from kseg.platform.clocks import own_time_ns


@dataclass(frozen=True, slots=True)
class Intervals:
    """How often a recorder checks the machine. Times are ns of the host's processor time: a guest
    that rests needs no looking after."""

    shortest: int = 100_000
    longest: int = 64_000_000
    """Cycles from one digest to the next, at the least and the most."""
    soon: int = 50_000_000
    late: int = 200_000_000
    """From one digest to the next it is to take a time between these."""
    whole: int = 2_000_000_000
    """Time between digests of the whole state."""
    keyframe: int = 30_000_000_000
    """Time between keyframes."""


MET_AGAIN = (StopReason.POWER_OFF, StopReason.CYCLE_LIMIT)
"""Those at which a replay stands exactly as the recorded machine did."""


WORTH_A_MARK = (
    StopReason.FATAL,
    StopReason.DOOM,
    StopReason.BREAK,
    StopReason.DEBUGGER,
    StopReason.NO_PROGRESS,
)
"""Ends that a reader will look for."""


class Recorder(Observer):
    """Writes a machine's log."""

    order = Order.RECORD

    def __init__(
        self,
        writer: LogWriter,
        board: Board,
        observers: Observers,
        clock: Callable[[], int],
        origin: Callable[[], Origin],
        whole: Callable[[], bool],
        printed: Callable[[], int],
        intervals: Intervals | None = None,
    ) -> None:
        """It is one of the machine's `observers` until the log ends. `clock` is the engine's cycle
        counter, `origin` what keyframes say of the machine, and `whole` whether all processors
        stand between the same two cycles; `printed` is the number of characters on the console.
        LogError when the host refuses to take the beginning."""
        self._writer, self._board, self._clock, self._origin = writer, board, clock, origin
        self._observers, self._whole, self._printed = observers, whole, printed
        self.problem = ""
        """Why the recording came to its end, if it was not asked to."""
        self.input_recorder = InputRecorder(board, self._came_in)
        self._edited = False
        self._intervals = given = intervals or Intervals()
        self._interval = AdaptiveInterval(given.soon, given.late, given.shortest, given.longest)
        self._kept = self._drawn = own_time_ns()
        try:
            self.beginning = self._begin()
            """From where on the run has been as it would have been by itself."""
        except BaseException:
            self.input_recorder.leave()
            writer.discard()
            raise
        self._next: int | None = clock() + self._interval.stretch
        self._stands: Stop | None = Stop(StopReason.CONDITION)
        """Why the machine stands: at first because of nothing that a replay would come to stand by.
        None while it runs, and where that has been interrupted in the middle of something."""
        observers.add(self)

    @property
    def next_cycle(self) -> int | None:
        """Where it is to look at the machine; None when the log has ended."""
        return self._next

    def starts(self) -> None:
        self._stands = None

    def stopped(self, stop: Stop) -> None:
        self._stands = stop
        # Only after this reason does one that repeats the run stand in the same state.
        if self._next is None or stop.reason is not StopReason.CYCLE_LIMIT:
            return
        if self._clock() >= self._next:
            if self._whole():
                self._guard(self._look)
            else:
                self._next = self._clock() + 1

    def mark(self, text: str) -> None:
        """Leave a marker for readers here."""
        now = self._board.clock.now
        self._guard(lambda: self._writer.add(Marker(self._clock(), now, _text(text))))

    def edited(self) -> None:
        if self._next is not None and not self._edited:
            self._edited = True
            self._next = self._clock() + int(not self._whole())

    def finish(self, exit_code: int | None = None) -> None:
        """The run ends here. `exit_code` is what the user's process will exit with."""
        if self._next is None:
            return
        self._guard(lambda: self._end(exit_code))
        self._leave()

    def closing(self) -> None:
        self.finish()

    def _end(self, exit_code: int | None) -> None:
        stop = self._stands
        if stop is not None and self._whole():
            if self._edited:
                self._keep_edit()
            elif stop.reason in MET_AGAIN:
                self._draw(whole=True)
        reason, message = ("", "") if stop is None else (stop.reason, stop.message)
        code = exit_code if stop is None or exit_code is not None else stop.exit_code
        now = self._board.clock.now
        if stop is not None and stop.reason in WORTH_A_MARK:
            text = f"{stop.reason}: {stop.message}" if stop.message else str(stop.reason)
            self._writer.add(Marker(self._clock(), now, _text(text)))
        self._writer.add(End(self._clock(), now, reason, code, _text(message)))
        self._writer.close()

    def _leave(self) -> None:
        """A second time does nothing: the end may be what cannot be written."""
        if self._next is None:
            return
        self._next = None
        self._observers.remove(self)
        self.input_recorder.leave()
        self._writer.abandon()

    def _guard(self, write: Callable[[], None]) -> None:
        """A log that cannot be written is no reason for the machine to stop."""
        if self._next is None:
            return
        with critical_section:  # a signal waits until this is written
            self._write(write)

    def _write(self, write: Callable[[], None]) -> None:
        try:
            write()
        except LogError as error:
            self.problem = f"{error}; the recording ends at cycle {self._clock()}"
            self._leave()
            self._board.message(self.problem)
        except BaseException:
            # Something else ended it in the middle: what is in the file can be relied on, what
            # would follow could not.
            self._leave()
            raise

    def before_sleep(self) -> None:
        """What has come in so far is in the file, however long the sleep is."""
        self._guard(self._writer.flush)

    def _came_in(self, item: Item) -> None:
        self._guard(lambda: self._writer.add(item))

    def _look(self) -> None:
        now, intervals = own_time_ns(), self._intervals
        if self._edited:
            self._keep_edit()
        elif now - self._kept >= intervals.keyframe:
            self._keyframe(now)
        self._draw(whole=now - self._drawn >= intervals.whole)
        self._writer.flush()
        self._next = self._clock() + self._interval.next_stretch()

    def _keep_edit(self) -> None:
        self._edited = False
        self._writer.add(Edit(self._clock()))
        self._kept = own_time_ns()
        self.beginning = self._begin()

    def _keyframe(self, now: int) -> None:
        self._kept = now
        self._writer.add_keyframe(self.input_recorder.state(), self._origin())

    def _begin(self) -> Checkpoint:
        """Write down the machine's state, and keep it."""
        state, origin = self.input_recorder.state(), self._origin()
        self._writer.add_keyframe(state, origin)
        position = self.input_recorder.history.end
        return Checkpoint(origin.cycle, origin.time, state, position, self._printed())

    def _draw(self, *, whole: bool) -> None:
        board = self._board
        found = None
        if whole:
            found = whole_digest(board)
            self._drawn = own_time_ns()
        self._writer.add(Digest(self._clock(), processors_digest(board), found))


def _text(text: str) -> str:
    """As it may stand in a log."""
    return text.encode("utf-8", "backslashreplace").decode()[:MOST_TEXT]
