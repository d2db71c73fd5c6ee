"""Checks a replay against the log of the recorded run (replay divergence), and ends where that
ended."""

from collections.abc import Callable

from kseg.errors import DivergenceError
from kseg.history.digest import processors_digest, whole_digest
from kseg.history.log import Digest
from kseg.history.log_reader import Keyframe, Log
from kseg.machine.board import Board
from kseg.monitor.observer import RUN_ON, Observer, Order
from kseg.monitor.stop import Stop, StopReason

_BY_THE_USER = (
    StopReason.CONDITION,
    StopReason.INTERRUPTED,
    StopReason.BREAK,
    StopReason.BREAKPOINT,
    StopReason.WATCHPOINT,
    StopReason.DEBUGGER,
)
"""Stops that the machine's user has asked for, also in the middle of a cycle: they say
nothing of the recorded run."""
_MET_AGAIN = (StopReason.FATAL, StopReason.DOOM)
"""Ends that the guest has brought about in the middle of an instruction."""


class Divergence(DivergenceError):
    """The state is not what the log says at `cycle`; it was at `same`, the check before that."""

    def __init__(self, text: str, cycle: int, same: int) -> None:
        super().__init__(text)
        self.cycle, self.same = cycle, same


class ReplayVerifier(Observer):
    """An observer of a machine that repeats a log's run."""

    order = Order.VERIFY

    def __init__(
        self,
        log: Log,
        board: Board,
        clock: Callable[[], int],
        load: Callable[[Keyframe], None],
        start: Keyframe,
    ) -> None:
        """`load` lets the machine become what a keyframe says; it is at `start`."""
        self._log, self._board, self._clock, self._load = log, board, clock, load
        self._version = start.snapshot.header.board.version
        self.place = start.checked
        """Of the next check in the log's list."""
        self.checked = 0
        """Digests that were the same."""
        self.same = start.cycle
        """The last cycle at which all was as it had been."""

    @property
    def end(self) -> int:
        """The log's last cycle."""
        end = self._log.end
        return self._log.last_cycle if end is None else end.cycle

    @property
    def _meets_end(self) -> bool:
        """Whether the machine must come to its end by itself, in its last cycle."""
        end = self._log.end
        return end is not None and end.reason in _MET_AGAIN

    @property
    def next_cycle(self) -> int | None:
        """Where the machine must stop."""
        if self.place < len(self._log.checks):
            return self._log.checks[self.place].cycle
        return self.end + int(self._meets_end)

    def go_to(self, place: int, same: int) -> None:
        """The machine was put where the next check is number `place`, and all was well at cycle
        `same`."""
        self.place, self.same = place, same

    def stopped(self, stop: Stop) -> Stop | None:
        """The machine stands. Returns the Stop that counts instead, or None; Divergence when it is
        not as it was."""
        if stop.reason in _BY_THE_USER:
            return None
        cycle = self._clock()
        changed = self._pass_checks(cycle)
        if stop.reason is not StopReason.CYCLE_LIMIT:
            # The recorded machine was edited where it stood, and went on.
            return RUN_ON if changed else self._conclude(stop, cycle)
        if cycle < self.end or (self._meets_end and cycle == self.end):
            return None
        if self._meets_end:
            assert self._log.end is not None
            raise self._divergence(f"the recorded run stopped ({self._log.end.reason})", cycle)
        return self._ended()

    def _pass_checks(self, cycle: int) -> bool:
        """Hold the machine against what the log says up to now; whether it was changed there."""
        checks, changed = self._log.checks, False
        while self.place < len(checks) and checks[self.place].cycle <= cycle:
            check = checks[self.place]
            self.place += 1
            if isinstance(check, Digest):
                self._compare(check, cycle)
            else:
                self._load(check)
                self.same, changed = cycle, True
        return changed

    def _compare(self, check: Digest, cycle: int) -> None:
        if (
            check.cycle != cycle
            or processors_digest(self._board, self._version) != check.processors
        ):
            raise self._divergence("processors or time are not what they were", check.cycle)
        if check.whole is not None and whole_digest(self._board, self._version) != check.whole:
            raise self._divergence("memory or devices are not what they were", check.cycle)
        self.checked += 1
        self.same = cycle

    def _conclude(self, stop: Stop, cycle: int) -> Stop | None:
        """The machine has stopped by itself: has the recorded one?"""
        end = self._log.end
        if stop.reason is StopReason.IDLE and cycle == self.end:
            # It could have gone on, too, had there been input.
            return self._ended()
        if end is not None and end.reason == stop.reason and end.cycle == cycle:
            return None
        if cycle == self.end and (end is None or end.reason == ""):
            # Its user ended it before this was seen.
            return self._ended()
        raise self._divergence(f"it stops ({stop.reason}), and the recorded one did not", cycle)

    def _ended(self) -> Stop:
        end = self._log.end
        code = None if end is None else end.exit_code
        return Stop(StopReason.LOG_END, code, self._log.problem or "the recording ends here")

    def _divergence(self, what: str, cycle: int) -> Divergence:
        return Divergence(
            f"log {self._log.path}: the replay differs: {what} at cycle {cycle}; they were the same"
            f" at cycle {self.same}",
            cycle,
            self.same,
        )
