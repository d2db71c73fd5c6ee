"""What passes while every processor waits: time jumps to what comes next, or the host sleeps until
input comes or as much of its own time has passed (`kseg.monitor.pace`)."""

import time
from collections.abc import Callable

from kseg.engine.contract import Engine
from kseg.machine.board import Board
from kseg.machine.clock import SECOND
from kseg.monitor.pace import SHORTEST_SLEEP, Pace


class Idling:
    """Lets a board's idle time pass."""

    def __init__(
        self,
        board: Board,
        engine: Engine,
        before_sleep: Callable[[], None],
        *,
        pace: str = "fast",
        wait_for_input: bool = False,
    ) -> None:
        """`before_sleep` is called before the host sleeps. The others are the attributes of these
        names."""
        self.engine = engine
        self.pace = pace
        """One of `kseg.monitor.pace.PACES`, which says what they mean."""
        self.wait_for_input = wait_for_input
        """Sleep when nothing but input can happen, instead of stopping with IDLE."""
        self._board = board
        self._before_sleep = before_sleep
        self._pace = Pace()

    def skip(self, cycles: int) -> None:
        """Idle cycles of the burst under way pass."""
        if cycles > 0:
            self.engine.skip(cycles)
            self._board.clock.idle(cycles)

    def begin_jump(self) -> bool:
        """Every processor waits, between two bursts: start a jump to what comes next, or let input
        wake one; False when nothing will ever happen."""
        board = self._board
        clock, port = board.clock, board.input_port
        while board.all_idle:
            now, due = clock.now, clock.next_due
            arrival = self._next_arrival(now, due)
            if arrival is None:
                if due is None:
                    return False
                clock.begin_jump(due - now, exactly=False)
                return True
            if arrival > now:
                clock.begin_jump(arrival - now, exactly=True)
                return True
            if not port.poll(self.engine.clock, now):
                # The log is of another run, or there is no room: time must go on all the same.
                if due is None:
                    return False
                clock.begin_jump(due - now, exactly=False)
                return True
        return True

    def _next_arrival(self, now: int, due: int | None) -> int | None:
        """When the next input comes, if that is before `due`: at virtual time `now` or later.
        May sleep until then."""
        port = self._board.input_port
        if port.replaying:
            item = port.next_input
            if item is None or (due is not None and item.time >= due):
                return None
            return max(item.time, now)
        if port.waiting:
            return now
        if due is None:
            if not self.wait_for_input or port.closed:
                return None
            slept = self._sleep(None)
            return None if slept is None else now + (slept if self.pace != "fast" else 0)
        if self.pace == "fast":
            return None
        if self.pace == "system161" and self._board.clock.devices_work:
            ahead = self._pace.ahead_by_event(now, due)
        else:
            ahead = self._pace.ahead(now, due)
        if ahead <= SHORTEST_SLEEP:
            return None
        slept = self._sleep(ahead / SECOND)
        # What comes when the event is due comes after it: so it does when the run is repeated.
        return None if slept is None else max(min(now + slept, due - 1), now)

    def _sleep(self, seconds: float | None) -> int | None:
        """Sleep until something can be delivered: the ns that this took; None where nothing can."""
        self._before_sleep()
        started = time.monotonic_ns()
        if not self._board.input_port.wait(seconds):
            return None
        return time.monotonic_ns() - started

    def host_stood_still(self) -> None:
        """Do not catch up on the time that passed (in a job that was stopped)."""
        self._pace.stood_still()
