"""The bare machine: no monitor between guest and hardware. Exceptions vector natively; what
comes here is device registers, idling, and the passing of time.

The loop is System/161's: run a burst, commit its cycles, dispatch what is due, look at the
input port every so often, and when every processor waits, let time jump to the next event.
"""

import threading
import time
from collections.abc import Callable
from typing import Protocol

import msgspec

from kseg.engine.contract import Engine, Exit, ExitReason
from kseg.errors import BusError, DoomReached, GuestFatal
from kseg.isa.exceptions import Fatal
from kseg.isa.registers import STATUS_BEV
from kseg.machine.board import Board
from kseg.machine.bus import Foreseeable
from kseg.machine.clock import SECOND
from kseg.machine.run_lock import InUseError
from kseg.machine.statistics import Statistics, processor_statistics
from kseg.monitor.pace import PACES, SHORTEST_SLEEP, Pace
from kseg.monitor.stop import Stop, StopReason
from kseg.monitor.watchdog import Watchdog

FURTHEST = 256
"""Words that a register is asked to foresee at most."""

LONGEST_STRETCH = 4_000_000
"""Cycles for which a guest that reaches no device may run without a look at its input port:
about a millisecond of the host's time."""


BOOT = 10_000_000
"""Cycles in which a kernel sets up its handlers, if it ever does."""


class TraceTaker(Protocol):
    """What takes the records of a trace."""

    def records_wait(self) -> None:
        """Take the engine's records: it has no more room for them, or time has made a jump, so
        that cycles and virtual time no longer go together as before."""
        ...

    def all_wait(self) -> None:
        """Every processor waits: time is about to jump."""
        ...

    def resume(self, engine: Engine) -> None:
        """The machine is in another state, perhaps on another engine."""
        ...


class RunLoop:
    """Runs a board on an engine."""

    def __init__(
        self,
        board: Board,
        engine: Engine,
        *,
        pace: str = "fast",
        wait_for_input: bool = False,
        stop_for_debugger: bool = False,
        progress_timeout: int = 0,
    ) -> None:
        """`pace` is one of `kseg.monitor.pace.PACES`, which says what they mean.

        `wait_for_input`: sleep when nothing but input can happen, instead of stopping with IDLE.
        `stop_for_debugger`: stop where the guest asks for a debugger, instead of going on.
        `progress_timeout`: stop when no user-mode instruction has been executed for twice as many
        virtual seconds, with a warning after one (option -Z); 0 is never.
        """
        if pace not in PACES:
            raise ValueError(f"no pace {pace!r}; there are: {', '.join(PACES)}")
        self.board = board
        self.engine = engine
        self.pace = pace
        self.wait_for_input = wait_for_input
        self.stop_for_debugger = stop_for_debugger
        self._watchdog = Watchdog(progress_timeout * SECOND, board) if progress_timeout else None
        self._running = threading.Lock()
        self._burst_start = 0
        self._wall_time = 0
        self._pace = Pace()
        self._fatal: GuestFatal | None = None
        self._failure: BaseException | None = None
        self._interrupted = False
        self.trace_taker: TraceTaker | None = None
        """The trace's taker, if there is one."""
        self._foreseen: Foreseeable | None = None
        self._foresight = 1
        board.memory.on_write(engine.memory_changed)
        self._find_burst_start()

    def run(
        self,
        until_cycle: int | None = None,
        max_cycles: int | None = None,
        until: Callable[[], bool] | None = None,
    ) -> Stop:
        """Run until the engine's clock shows `until_cycle`, for `max_cycles`, until `until()` says
        so (asked between bursts), or until the machine stops by itself. InUseError while it runs
        already."""
        if max_cycles is not None:
            limit = self.engine.clock + max_cycles
            until_cycle = limit if until_cycle is None else min(limit, until_cycle)
        if not self._running.acquire(blocking=False):
            raise InUseError("the machine runs already, perhaps in another thread")
        try:
            stop = self._run_timed(until_cycle, until)
        finally:
            self._running.release()
        if self._failure is not None:
            failure, self._failure = self._failure, None
            self._interrupted = False
            raise failure
        return stop

    def _run_timed(self, until_cycle: int | None, until: Callable[[], bool] | None) -> Stop:
        started = time.perf_counter_ns()
        try:
            return self._run(until_cycle, until)
        except DoomReached as doom:
            self._settle()
            return Stop(StopReason.DOOM, doom.exit_code, str(doom))
        except GuestFatal as fatal:
            return self._stop_fatal(fatal, self.board.bus.asking_processor)
        finally:
            self._wall_time += time.perf_counter_ns() - started

    def _run(self, until_cycle: int | None, until: Callable[[], bool] | None) -> Stop:
        board, clock, engine = self.board, self.board.clock, self.engine
        while True:
            if not clock.in_burst:
                if board.state.powered_off:
                    return Stop(
                        StopReason.POWER_OFF,
                        int(board.state.debugger_requested),
                        "the guest switched off",
                    )
                if self._interrupted:
                    self._interrupted = False
                    return Stop(StopReason.INTERRUPTED)
                if until is not None and until():
                    return Stop(StopReason.CONDITION)
                if board.all_idle:
                    if self.trace_taker is not None:
                        self.trace_taker.all_wait()
                    if not self._idle():
                        return Stop(StopReason.IDLE, None, "nothing will ever happen")
                    if not clock.in_burst:
                        continue
                else:
                    clock.begin_burst()
                    if self._watchdog is None and not board.input_port.waiting:
                        clock.lengthen_burst(self._stretch())
                self._burst_start = engine.clock
            length = clock.burst
            if until_cycle is not None:
                length = min(length, until_cycle - self._burst_start)
            if board.state.preemptions:
                length = self._length_to_preemption(length)
            stop = self._run_burst(length)
            if stop is not None:
                return stop
            if clock.elapsed < clock.burst:
                if until_cycle is None or engine.clock < until_cycle:
                    continue  # A preemption is due, or the machine has begun to idle.
                return Stop(StopReason.CYCLE_LIMIT)
            jumped = clock.jumping
            poll = clock.end_burst()
            if jumped:
                self._take_trace()
            if self._watchdog is not None and not jumped:
                stop = self._watchdog.look()
            if poll:
                board.input_port.poll(engine.clock, clock.now)
            if stop is not None:
                return stop
            if board.debugger_pending:
                board.debugger_pending = False
                if self.stop_for_debugger:
                    return Stop(StopReason.DEBUGGER, None, "the guest asked for a debugger")
                board.message("Not waiting for debugger...")

    def _stretch(self) -> int:
        """Cycles for which nothing will come in, if a history says what does."""
        item = self.board.input_port.next_input
        longest = LONGEST_STRETCH
        if self.engine.clock < BOOT and self.board.processors[0].status & STATUS_BEV:
            longest = 0  # If it fails now, its user is to know soon.
        if item is None:
            return longest
        return max(min(longest, item.cycle - self.engine.clock), 0)

    def _length_to_preemption(self, length: int) -> int:
        """Let preemptions happen that are due, and say to how many cycles into the burst to run
        before the next one: `length` at most."""
        board, clock = self.board, self.board.clock
        while (
            board.state.preemptions
            and clock.elapsed < length
            # No thread can be preempted, and busy cycles do not pass.
            and not (clock.jumping or board.all_idle)
        ):
            left = board.state.preemptions[0].at - (self.engine.clock - clock.idle_cycles)
            if left > 0:
                return min(length, clock.elapsed + left)
            board.preempt()
        return length

    def _run_burst(self, length: int) -> Stop | None:
        """Run to `length` cycles into the burst, or to its end when that comes to be earlier."""
        clock, engine, start = self.board.clock, self.engine, self._burst_start
        if clock.jumping:
            self._skip(length - clock.elapsed)
            return None
        run = engine.run
        while True:
            # Answers may cut the burst, so its length is looked up again each time.
            left = (clock.burst if clock.burst < length else length) - clock.elapsed
            if left <= 0:
                break
            request = run(left)
            if self._foreseen is not None:
                self._read_foreseen(self._foreseen)
            clock.elapsed = engine.clock - start
            reason = request.reason
            if reason is not ExitReason.BUDGET or clock.elapsed < clock.burst:
                over = clock.settle_burst()
                self._burst_start = start = start + over
                length -= over
            if reason is ExitReason.DEVICE_LOAD:
                self._answer_load(request)
            elif reason is ExitReason.DEVICE_STORE:
                self._answer_store(request)
            elif reason is ExitReason.IDLE:
                self._skip(min(length, clock.burst) - clock.elapsed)
            elif reason is ExitReason.BREAK:
                return Stop(StopReason.BREAK, None, "breakpoint", request.processor)
            elif reason is ExitReason.TRACE_FULL:
                self._take_trace()
            elif reason in _DEBUGGING:
                return _stop_for_debugger(request)
            elif reason is ExitReason.FATAL:
                return self._stop_fatal(GuestFatal(_describe(request)), request.processor)
        if self._fatal is not None:
            fatal, self._fatal = self._fatal, None
            raise fatal
        return None

    def _take_trace(self) -> None:
        if self.trace_taker is not None:
            self.trace_taker.records_wait()

    def _answer_load(self, request: Exit) -> None:
        try:
            value = self.board.bus.read(request.processor, request.address, request.size)
        except BusError:
            self.engine.complete_load(None)
        except GuestFatal as fatal:
            self.engine.complete_load(0)
            self._stop_after_cycle(fatal)
        else:
            bus = self.board.bus
            if request.size == 4 and request.address in bus.foreseeable_words:
                self._foreseen = bus.foreseeable_words[request.address]
                words = self._foreseen.foresee(self._foresight)
                self.engine.complete_load(value, following=words)
                return
            steady = request.size == 4 and request.address in bus.steady_words
            self.engine.complete_load(value, steady=steady)

    def _read_foreseen(self, device: Foreseeable) -> None:
        """Let a register know how often it was read without its being asked. The more of what it
        foresaw was used, the further it is to look the next time."""
        used = self.engine.take_used()
        device.read_foreseen(used)
        self._foreseen = None
        furthest = used >= self._foresight
        self._foresight = min(2 * self._foresight, FURTHEST) if furthest else max(2 * used, 1)

    def _answer_store(self, request: Exit) -> None:
        try:
            self.board.bus.write(
                request.processor, request.address, request.size, request.value, request.mask
            )
        except BusError:
            self.engine.complete_store(False)
        except GuestFatal as fatal:
            self.engine.complete_store(True)
            self._stop_after_cycle(fatal)
        else:
            self.engine.complete_store(True)

    def _stop_after_cycle(self, fatal: GuestFatal) -> None:
        """The hardware hangs, but all processors complete the cycle."""
        self._fatal = self._fatal or fatal
        self.board.clock.end_burst_early()

    def _stop_fatal(self, fatal: GuestFatal, processor: int) -> Stop:
        self._settle()
        return Stop(StopReason.FATAL, fatal.exit_code, str(fatal), processor)

    def _settle(self) -> None:
        self.board.clock.elapsed = self.engine.clock - self._burst_start

    def interrupt(self) -> None:
        """Make `run` come back soon, between two bursts: from any thread or signal handler."""
        self._interrupted = True
        self.board.input_port.disturb()

    @property
    def running(self) -> bool:
        """Whether `run` is under way."""
        return self._running.locked()

    def fail(self, error: BaseException) -> None:
        """What takes the guest's output has raised this, in the middle of what a device does: that
        is brought to its end, and `run` comes back soon and raises it."""
        self._failure = self._failure or error
        self.interrupt()

    # Idling.

    def _skip(self, cycles: int) -> None:
        if cycles > 0:
            self.engine.skip(cycles)
            self.board.clock.idle(cycles)

    def _idle(self) -> bool:
        """Every processor waits: start a jump to what comes next, or let input wake one; False
        when nothing will ever happen."""
        clock, input_port = self.board.clock, self.board.input_port
        while self.board.all_idle:
            now, due = clock.now, clock.next_due
            arrival = self._next_arrival(now, due)
            if arrival is None:
                if due is None:
                    return False
                clock.begin_jump(due - now)
                return True
            if arrival > now:
                clock.begin_jump(arrival - now, exactly=True)
                return True
            if not input_port.poll(self.engine.clock, now):
                # The log is of another run, or there is no room: time must go on all the same.
                if due is None:
                    return False
                clock.begin_jump(due - now)
                return True
        return True

    def _next_arrival(self, now: int, due: int | None) -> int | None:
        """When the next input comes, if that is before `due`: at virtual time `now` or later.
        May sleep until then."""
        input_port = self.board.input_port
        if input_port.replaying:
            item = input_port.next_input
            if item is None or (due is not None and item.time >= due):
                return None
            return max(item.time, now)
        if input_port.waiting:
            return now
        if due is None:
            if not self.wait_for_input or input_port.closed:
                return None
            started = time.monotonic_ns()
            if not input_port.wait(None):
                return None
            return now + (time.monotonic_ns() - started if self.pace != "fast" else 0)
        if self.pace == "fast":
            return None
        if self.pace == "system161" and self.board.clock.devices_work:
            ahead = self._pace.ahead_by_event(now, due)
        else:
            ahead = self._pace.ahead(now, due)
        if ahead <= SHORTEST_SLEEP:
            return None
        started = time.monotonic_ns()
        if not input_port.wait(ahead / SECOND):
            return None
        slept = time.monotonic_ns() - started
        # What comes when the event is due comes after it: so it does when the run is repeated.
        return max(min(now + slept, due - 1), now)

    def host_stood_still(self) -> None:
        """Do not catch up on the time that passed (in a job that was stopped)."""
        self._pace.stood_still()

    # State and statistics.

    def _find_burst_start(self) -> None:
        self._burst_start = self.engine.clock - self.board.clock.elapsed

    def state_loaded(self, engine: Engine | None = None) -> None:
        """Go on with a board that has loaded a state: on the same engine, or on another one made
        for the board."""
        if engine is not None and engine is not self.engine:
            self.engine = engine
            self.board.memory.on_write(engine.memory_changed)
        self.engine.state_changed()
        self._foreseen = None
        self._pace.stood_still()
        self._fatal = None
        if self._watchdog is not None:
            self._watchdog.restart()
        self._find_burst_start()
        if self.trace_taker is not None:
            self.trace_taker.resume(self.engine)

    @property
    def statistics(self) -> Statistics:
        """What the machine did since power-on."""
        board, clock = self.board, self.board.clock
        running = clock.elapsed if clock.in_burst and not clock.jumping else 0
        return Statistics(
            processors=[processor_statistics(each) for each in board.processors],
            devices=msgspec.structs.replace(board.activity),
            run_cycles=clock.run_cycles + running,
            idle_cycles=clock.idle_cycles,
            virtual_time=clock.now,
            wall_time=self._wall_time,
        )


_DEBUGGING = (ExitReason.BREAKPOINT, ExitReason.WATCHPOINT)


def _stop_for_debugger(request: Exit) -> Stop:
    if request.reason is ExitReason.BREAKPOINT:
        return Stop(StopReason.BREAKPOINT, processor=request.processor)
    return Stop(
        StopReason.WATCHPOINT,
        processor=request.processor,
        address=request.address,
        stores=bool(request.value),
    )


def _describe(request: Exit) -> str:
    if request.fatal is Fatal.DUPLICATE_TLB:
        return f"Duplicate TLB entries for vpage {request.value & 0xFFFFF000:x}"
    if request.fatal is Fatal.STATUS_BITS:
        return "Status register write attempted to use r2000/r3000 cache control"
    return f"processor {request.processor} did something impossible ({request.fatal.name.lower()})"
