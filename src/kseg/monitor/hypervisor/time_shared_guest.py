"""A guest that shares the machine: its time slices, and its own time, which is not the machine's.

A guest's clock counts its own cycles. Those that it executes are machine time too. Those that it
idles are skipped, as on the bare machine, and then it sleeps until as much machine time has passed
since it began to idle. While it could run and others do, its time stands still (see
docs/decisions/guest-time.md).
"""

from collections.abc import Callable

from kseg.machine.board import Board
from kseg.monitor.boot_rom import is_lost, lost
from kseg.monitor.run_loop import RunLoop
from kseg.monitor.stop import Stop, StopReason

GOES_ON = (StopReason.CYCLE_LIMIT, StopReason.CONDITION, StopReason.IDLE)
"""Stops of a slice after which a guest is not at its end."""


class TimeSharedGuest:
    """A board, the monitor that serves it, and how far its time has come."""

    def __init__(self, name: str, board: Board, monitor: RunLoop, now: int) -> None:
        """It begins at machine time `now`, in cycles. The run loop must skip idle time and not wait
        for input; waiting is the machine's business."""
        self.name, self.board, self.monitor = name, board, monitor
        self.stop: Stop | None = None
        """How it ended; None while it has not."""
        self.asleep = False
        self.wakes_at: int | None = None
        """The machine time at which it is to wake, while it is asleep; None: only by input."""
        self._cycle = board.clock.model.nanoseconds_per_cycle
        self._rested = now
        """The machine time at which the last cycle of its time so far is over: in the future
        where idle cycles were skipped."""

    @property
    def executed(self) -> int:
        """Cycles in which it executed, that is, did not idle."""
        return sum(each.kernel_cycles + each.user_cycles for each in self.board.processors)

    def run(self, cycles: int, now: int, real: bool, until: Callable[[], bool]) -> Stop:
        """Run for up to `cycles` at machine time `now`, no further than where it idles or `until`
        holds (asked between two bursts). `real`: machine time in which it waited for input is the
        guest's too; otherwise input takes it no time."""
        clock, input_port = self.board.clock, self.board.input_port
        if self._rests:
            # Paced input may give it the next character.
            stop = self.monitor.observers.between_bursts()
            if stop is not None:
                return stop
            if input_port.waiting:
                if real:
                    self._pass(now - self._rested)
            elif self.wakes_at is None or now < self.wakes_at:
                return Stop(StopReason.IDLE)
            else:
                self._rested = self.wakes_at
                asked = iter((False, True))
                stop = self.monitor.run(until=lambda: next(asked))
                if stop.reason is not StopReason.CONDITION:
                    return stop
        idle = clock.idle_cycles

        def check() -> bool:
            if until() or clock.idle_cycles != idle:
                return True
            return self.board.all_idle and not input_port.waiting

        before = self.executed
        stop = self.monitor.run(max_cycles=cycles, until=check)
        # What it has executed ends now, and then it has idled.
        now += self.executed - before
        self._rested = max(self._rested, now) + clock.idle_cycles - idle
        if stop.reason in GOES_ON and is_lost(self.board):
            return lost(self.board)
        return stop

    def rest(self, now: int) -> bool:
        """After a slice that ended at machine time `now`: whether it sleeps; then `wakes_at` says
        until when."""
        clock = self.board.clock
        if self._rests and not self.board.input_port.waiting:
            self.asleep, due = True, clock.next_due
            self.wakes_at = None
            if due is not None:
                self.wakes_at = self._rested + -(-(due - clock.now) // self._cycle)
        else:
            # In the middle of a burst that it idles to its end, or already due again.
            self.asleep = self._rested > now
            self.wakes_at = self._rested
        return self.asleep

    @property
    def waits_forever(self) -> bool:
        """Whether nothing but input can wake it."""
        return self.asleep and self.wakes_at is None

    @property
    def _rests(self) -> bool:
        """Whether it idles, and nothing is due in the burst that is under way."""
        return not self.board.clock.in_burst and self.board.all_idle

    def _pass(self, cycles: int) -> None:
        """Let idle time pass before what is due next."""
        clock = self.board.clock
        if clock.next_due is not None:
            cycles = min(cycles, (clock.next_due - clock.now - 1) // self._cycle)
        if cycles > 0:
            clock.begin_jump(cycles * self._cycle, exactly=True)
            self.monitor.engine.skip(clock.burst)
            clock.idle(clock.burst)
            clock.end_burst()
