"""Holds a run that is repeated against the log of the recorded one, and ends where that ended."""

from collections.abc import Callable

from kseg.errors import DivergenceError
from kseg.history.digest import processors_digest, whole_digest
from kseg.history.log import Digest
from kseg.history.log_reader import Keyframe, Log
from kseg.history.recorder import BETWEEN
from kseg.machine.system161 import System161
from kseg.monitor.bare import Stop, StopReason

_PASSING = (
    StopReason.CYCLE_LIMIT,
    StopReason.CONDITION,
    StopReason.INTERRUPTED,
    StopReason.BREAKPOINT,
    StopReason.WATCHPOINT,
    StopReason.DEBUGGER,
)
"""Stops that a recorded run need not have had."""


class Divergence(DivergenceError):
    """The state is not what the log says at `cycle`; it was at `same`, the check before that."""

    def __init__(self, text: str, cycle: int, same: int) -> None:
        super().__init__(text)
        self.cycle, self.same = cycle, same


class Follower:
    """A companion of a machine that repeats a log's run (see `kseg.api.machine.Companion`)."""

    def __init__(
        self,
        log: Log,
        board: System161,
        clock: Callable[[], int],
        load: Callable[[Keyframe], None],
        start: Keyframe,
    ) -> None:
        """`load` lets the machine become what a keyframe says; it is at `start`."""
        self._log, self._board, self._clock, self._load = log, board, clock, load
        self.place = start.checked
        """Of the next check in the log's list."""
        self.checked = 0
        """Digests that were the same."""
        self._same = start.cycle

    @property
    def end(self) -> int:
        """The log's last cycle."""
        end = self._log.end
        return self._log.last_cycle if end is None else end.cycle

    @property
    def _goes_on(self) -> bool:
        """Whether the recorded run ended in the middle of what it did."""
        end = self._log.end
        return end is not None and end.reason not in (*BETWEEN, "")

    @property
    def next_cycle(self) -> int | None:
        """Where the machine must stop."""
        if self.place < len(self._log.checks):
            return self._log.checks[self.place].cycle
        return self.end + int(self._goes_on)

    def go_to(self, place: int, same: int) -> None:
        """The machine was put where the next check is number `place`, and all was well at cycle
        `same`."""
        self.place, self._same = place, same

    def attend(self, stop: Stop) -> Stop | None:
        """The machine stands. Returns the Stop that ends the replay, or None; Divergence when it is
        not as it was."""
        cycle, checks = self._clock(), self._log.checks
        while self.place < len(checks) and checks[self.place].cycle <= cycle:
            check = checks[self.place]
            self.place += 1
            if isinstance(check, Digest):
                self._compare(check, cycle)
            else:
                self._load(check)
        if stop.reason not in _PASSING:
            return self._conclude(stop, cycle)
        if cycle < self.end or (self._goes_on and cycle == self.end):
            return None
        if self._goes_on:
            assert self._log.end is not None
            raise self._divergence(f"the recorded run stopped ({self._log.end.reason})", cycle)
        return self._ended()

    def _compare(self, check: Digest, cycle: int) -> None:
        if check.cycle != cycle or processors_digest(self._board) != check.processors:
            raise self._divergence("processors or time are not what they were", check.cycle)
        if check.whole is not None and whole_digest(self._board) != check.whole:
            raise self._divergence("memory or devices are not what they were", check.cycle)
        self.checked += 1
        self._same = cycle

    def _conclude(self, stop: Stop, cycle: int) -> Stop | None:
        """The machine has stopped by itself: has the recorded one?"""
        end = self._log.end
        if end is not None and end.reason == stop.reason and end.cycle == cycle:
            return stop
        if stop.reason is StopReason.IDLE and cycle == self.end:
            return self._ended()
        raise self._divergence(f"it stops ({stop.reason}), and the recorded one did not", cycle)

    def _ended(self) -> Stop:
        end = self._log.end
        code = None if end is None else end.exit_code
        return Stop(StopReason.LOG_END, code, self._log.problem or "the recording ends here")

    def _divergence(self, what: str, cycle: int) -> Divergence:
        return Divergence(
            f"log {self._log.path}: the replay differs: {what} at cycle {cycle}; they were the same"
            f" at cycle {self._same}",
            cycle,
            self._same,
        )
