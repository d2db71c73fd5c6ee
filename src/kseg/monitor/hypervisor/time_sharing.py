"""Many guests on one machine: which vCPU runs, which sleeps, and what becomes of one that fails.

Machine time is counted in cycles, as a guest's is: it passes with what guests execute, and while
all of them sleep. Python decides once a slice; a slice is run by the guest's own monitor.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial

from kseg.errors import KsegError
from kseg.machine.board import Board
from kseg.machine.clock import SECOND
from kseg.machine.run_lock import RunLock, Safepoint
from kseg.monitor.hypervisor.time_shared_guest import GOES_ON, TimeSharedGuest
from kseg.monitor.observers import MET, Condition, Observers
from kseg.monitor.pace import SHORTEST_SLEEP, Pace
from kseg.monitor.run_loop import RunLoop
from kseg.monitor.schedule import TIME_SLICE, Scheduler
from kseg.monitor.shares import GuestUse, Share
from kseg.monitor.stop import Stop, StopReason


class TimeSharing:
    """Lets guests take turns by their shares. `wake`, `interrupt` and `close_input` may be called
    from any thread, all else from the one that runs."""

    def __init__(
        self, cycles_per_second: int, *, time_slice: int = TIME_SLICE, pace: str = "fast"
    ) -> None:
        """`time_slice` in cycles. `pace` "fast" skips the time in which all guests sleep, "real"
        lets a second of it last a second."""
        self.pace = pace
        self.wait_for_input = False
        """Sleep when nothing but input can wake a guest, instead of stopping with IDLE."""
        self.run_lock = RunLock("host")
        """Of the machine, and so of all guests: for whoever lets them run to hold."""
        self.scheduler = Scheduler(cycles_per_second, time_slice)
        self.observers = Observers()
        """All that take part in its runs: cycles are the machine's, bursts those of all guests, and
        `all_wait` comes when every guest sleeps. Each guest has observers of its own, too."""
        self._found: Stop | None = None
        self._failure: Exception | None = None
        self.guests: dict[str, TimeSharedGuest] = {}
        """Those that have not ended, in the order in which they came."""
        self.after_slice: Callable[[TimeSharedGuest], None] = lambda _guest: None
        """Called after each slice, and last when the guest has ended."""
        self.stands: Callable[[TimeSharedGuest, Stop], bool] = lambda _guest, _stop: False
        """Asked when a guest has stopped by itself: is it to stand where it is, for a debugger,
        instead of being ended? `run` comes back with its Stop then."""
        self._held: set[str] = set()
        self._second = cycles_per_second
        self._woken: deque[str] = deque()
        self._news = threading.Event()
        self._interrupted = False
        self._no_input = False
        self._wall = Pace()
        self._uses: dict[str, GuestUse] = {}

    @property
    def now(self) -> int:
        """Machine time in cycles."""
        return self.scheduler.now

    def add(self, name: str, share: Share, board: Board, monitor: RunLoop) -> TimeSharedGuest:
        """A guest from now on. ValueError when there is one of that name, ReservationError when the
        machine cannot reserve so much."""
        self.scheduler.add(name, share)
        guest = TimeSharedGuest(name, board, monitor, self.now)
        self.guests[name] = guest
        self._uses.pop(name, None)
        return guest

    def end(self, guest: TimeSharedGuest, stop: Stop) -> None:
        """The guest is gone, for the reason given."""
        if guest.stop is None:
            guest.stop, guest.asleep = stop, False
            self._uses[guest.name] = self.scheduler.use_of(guest.name)
            self.scheduler.remove(guest.name)
            self._held.discard(guest.name)
            del self.guests[guest.name]

    def use_of(self, name: str) -> GuestUse:
        """What a guest has had of the machine, also one that has ended; ValueError if there was
        none."""
        return self._uses[name] if name in self._uses else self.scheduler.use_of(name)

    # For debuggers.

    def hold(self, name: str) -> None:
        """A guest is not to run, nor its time to pass, until it is released."""
        if name in self.guests and name not in self._held:
            self._held.add(name)
            self.scheduler.sleep(name, None)

    def release(self, name: str) -> None:
        """Let a guest go on that is held: where it slept, it wakes when it would have, or now."""
        if name not in self._held:
            return
        self._held.remove(name)
        guest = self.guests.get(name)
        if guest is not None and guest.asleep:
            self.scheduler.sleep(name, guest.wakes_at)
        elif guest is not None:
            self.scheduler.wake(name)

    # From any thread.

    def wake(self, name: str) -> None:
        """Input has come for a guest (if it has not ended)."""
        self._woken.append(name)
        self._news.set()

    def interrupt(self) -> None:
        """Make `run` come back after the slice under way."""
        self._interrupted = True
        self._news.set()

    def close_input(self) -> None:
        """No input can come any more: there is nothing to wait for."""
        self._no_input = True
        self._news.set()

    # Running.

    def run(self, until_cycle: int | None = None, until: Callable[[], bool] | None = None) -> Stop:
        """Let the guests run until machine time `until_cycle`, until `until()` says so (asked
        between two bursts), until an observer stops them, or until all have ended (POWER_OFF) or
        wait for input (IDLE)."""
        if until is None:
            return self._run_to(until_cycle)
        with self.observers.added(Condition(until)):
            return self._run_to(until_cycle)

    def _run_to(self, limit: int | None) -> Stop:
        """From stop to stop, until one ends the run."""
        observers = self.observers
        while True:
            self._found = self._failure = None
            observers.starts()
            ends = [cycle for cycle in (limit, observers.next_cycle) if cycle is not None]
            stop = self._run(min(ends, default=None))
            stop = self.run_lock.at_safepoint(Safepoint.SLICE, partial(observers.stopped, stop))()
            reached = limit is not None and self.now >= limit
            if reached or stop.reason is not StopReason.CYCLE_LIMIT:
                return stop

    def _look(self) -> bool:
        """Between two bursts of a guest: whether an observer wants to stop. Once it has said so, it
        is not asked again. What it raises is not the guest's fault, and has to wait for the end of
        the slice."""
        if self._found is None and self._failure is None:
            try:
                self._found = self.observers.between_bursts()
            except Exception as error:
                self._failure = error
        return self._found is not None or self._failure is not None

    def _run(self, until_cycle: int | None) -> Stop:
        """Slice for slice, until there is a reason to stand."""
        while True:
            self._take_news()
            if self._interrupted:
                self._interrupted = False
                return Stop(StopReason.INTERRUPTED)
            if self._look() and self._failure is not None:
                raise self._failure
            if self._found is not None:
                return self._found
            if not self.guests:
                return Stop(StopReason.POWER_OFF, 0, "all guests have ended")
            left = None if until_cycle is None else until_cycle - self.now
            if left is not None and left <= 0:
                return Stop(StopReason.CYCLE_LIMIT)
            picked = self.scheduler.pick()
            if picked is None:
                if not self._pass_time(until_cycle):
                    return Stop(StopReason.IDLE, None, "all guests wait for input")
                continue
            name, cycles = picked
            stop = self._run_slice(self.guests[name], min(cycles, left or cycles))
            if stop is not None:
                return stop

    def _take_news(self) -> None:
        self._news.clear()
        while self._woken:
            guest = self.guests.get(self._woken.popleft())
            if guest is not None:
                if guest.name not in self._held:
                    self.scheduler.wake(guest.name)
                guest.asleep = False

    def _run_slice(self, guest: TimeSharedGuest, cycles: int) -> Stop | None:
        """Returns the guest's Stop where it is to stand there, or an observer of its own wants
        that."""
        before = guest.executed
        try:
            stop = guest.run(cycles, self.now, self.pace == "real", self._look)
        except KsegError as error:
            stop = Stop(StopReason.FATAL, 1, str(error))
        except Exception as error:
            # Whatever is wrong with one guest's devices is not the others' business.
            text = f"a defect of kseg: {type(error).__name__}: {error}"
            stop = Stop(StopReason.FATAL, 1, text)
        self.scheduler.charge(guest.name, guest.executed - before)
        stands = stop.reason not in GOES_ON and self.stands(guest, stop)
        if stop.reason not in GOES_ON and not stands:
            self.end(guest, stop)
        elif not stands and guest.rest(self.now):
            self.scheduler.sleep(guest.name, guest.wakes_at)
        self.after_slice(guest)
        # Conditions are asked for all; an observer of this guest stops for something else.
        own = stop.reason is StopReason.CONDITION and stop is not MET
        return stop if stands or own else None

    # Idling.

    def _pass_time(self, until_cycle: int | None) -> bool:
        """No guest may run now: let time pass to what comes next; False when nothing will."""
        self.observers.all_wait()
        now, due = self.now, self.scheduler.next_event
        if due is None:
            if not self.wait_for_input or self._no_input:
                return False
            slept = self._sleep(None)
            until = now + (slept if self.pace == "real" else 0)
        else:
            until = due if until_cycle is None else min(due, until_cycle)
            ahead = 0
            if self.pace == "real":
                ahead = self._wall.ahead(self._nanoseconds(now), self._nanoseconds(until))
            if ahead > SHORTEST_SLEEP:
                slept = self._sleep(ahead / SECOND)
                if self._news.is_set():
                    until = min(now + slept, until)
        self.scheduler.pass_time(until if until_cycle is None else min(until, until_cycle))
        return True

    def _sleep(self, seconds: float | None) -> int:
        """Until there are news, or for so many of the host's seconds; returns what that is in
        cycles."""
        started = time.monotonic_ns()
        self._news.wait(seconds)
        return (time.monotonic_ns() - started) * self._second // SECOND

    def _nanoseconds(self, cycles: int) -> int:
        return cycles * SECOND // self._second

    def host_stood_still(self) -> None:
        """At pace "real", do not catch up on the time that passed (in a job that was stopped)."""
        self._wall.stood_still()
