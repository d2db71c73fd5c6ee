"""The run loop: a board runs on an engine, burst for burst, and observers take part.

The loop is System/161's: run a burst, commit its cycles, dispatch what is due, look at the
input port every so often, and when every processor waits, let time jump to the next event. What
executes below it is an engine; under a monitor, a virtual processor that looks like one.

Each file is about one thing: `bursts` between two exits of the engine, `device_answers` what exits
for devices come to, `idling` how idle time passes, `observer` what takes part.
"""

import threading
import time
from collections.abc import Callable, Iterable

from kseg.engine.contract import Engine
from kseg.errors import DoomReached, GuestFatal
from kseg.machine.board import Board
from kseg.machine.run_lock import InUseError, Safepoint
from kseg.machine.statistics import Statistics, processor_statistics
from kseg.monitor.bursts import Bursts
from kseg.monitor.device_answers import DeviceAnswers
from kseg.monitor.idling import Idling
from kseg.monitor.observer import Observer
from kseg.monitor.observers import Condition, Observers
from kseg.monitor.stop import Stop, StopReason


class RunLoop:
    """Runs a board on an engine. There is no other loop around an engine that runs a guest."""

    def __init__(
        self,
        board: Board,
        engine: Engine,
        observers: Observers | Iterable[Observer] = (),
        *,
        pace: str = "fast",
        wait_for_input: bool = False,
        stop_for_debugger: bool = False,
    ) -> None:
        """`observers` take part, and more can at any time. `pace` and `wait_for_input` are the
        attributes of `idling`. `stop_for_debugger`: stop where the guest asks for a debugger,
        instead of going on."""
        if not isinstance(observers, Observers):
            given, observers = observers, Observers()
            for each in given:
                observers.add(each)
        self.board = board
        self.observers = observers
        """All that take part in its runs, in their order."""
        self.stop_for_debugger = stop_for_debugger
        self.idling = Idling(
            board, engine, observers.before_sleep, pace=pace, wait_for_input=wait_for_input
        )
        """How idle time passes."""
        self._answers = DeviceAnswers(board, engine)
        self._bursts = Bursts(board, engine, self._answers, self.idling, observers)
        self._running = threading.Lock()
        self._limit: int | None = None
        self._end: int | None = None
        self._wall_time = 0
        self._failure: BaseException | None = None
        self._interrupted = False
        self._engine = engine
        observers.rearranged = self._find_end
        board.memory.on_write(engine.memory_changed)
        board.when_changed = observers.edited
        board.when_reset = self.state_loaded

    @property
    def engine(self) -> Engine:
        """What executes the board's processors."""
        return self._engine

    @engine.setter
    def engine(self, engine: Engine) -> None:
        self._engine = self._answers.engine = self._bursts.engine = self.idling.engine = engine

    def run(
        self,
        until_cycle: int | None = None,
        max_cycles: int | None = None,
        until: Callable[[], bool] | None = None,
    ) -> Stop:
        """Run until the engine's clock shows `until_cycle`, for `max_cycles`, until `until()` says
        so (asked between bursts), or until the machine or an observer stops it. InUseError while it
        runs already."""
        if max_cycles is not None:
            limit = self.engine.clock + max_cycles
            until_cycle = limit if until_cycle is None else min(limit, until_cycle)
        if not self._running.acquire(blocking=False):
            raise InUseError("the machine runs already, perhaps in another thread")
        self.observers.fail = self._fail
        try:
            if until is None:
                return self._run_to(until_cycle)
            with self.observers.added(Condition(until)):
                return self._run_to(until_cycle)
        finally:
            self.observers.fail = None
            self._running.release()

    def _run_to(self, limit: int | None) -> Stop:
        """From stop to stop, until one ends the run."""
        observers = self.observers
        stopped = self.board.run_lock.at_safepoint(
            Safepoint.SAVABLE, lambda: observers.stopped(stop)
        )
        self._limit = limit
        while True:
            observers.starts()
            self._find_end()
            stop = self._run_timed()
            self._raise_failure()
            stop = stopped()
            self._raise_failure()
            reached = limit is not None and self.engine.clock >= limit
            if reached or stop.reason is not StopReason.CYCLE_LIMIT:
                return stop

    def _find_end(self) -> None:
        """Where the machine is to stand next: the end of the run, or an observer's cycle."""
        end, limit = self.observers.next_cycle, self._limit
        self._end = limit if end is None or (limit is not None and limit < end) else end

    def _run_timed(self) -> Stop:
        started = time.perf_counter_ns()
        try:
            return self._run()
        except DoomReached as doom:
            self._bursts.settle()
            return Stop(StopReason.DOOM, doom.exit_code, str(doom))
        except GuestFatal as fatal:
            self._bursts.settle()
            asking = self.board.bus.asking_processor
            return Stop(StopReason.FATAL, fatal.exit_code, str(fatal), asking)
        finally:
            self._wall_time += time.perf_counter_ns() - started

    def _run(self) -> Stop:
        """Run burst after burst, until there is a reason to stand."""
        board, clock, engine = self.board, self.board.clock, self._engine
        observers, bursts = self.observers, self._bursts
        while True:
            if not clock.in_burst:
                if board.state.powered_off:
                    code = int(board.state.debugger_requested)
                    return Stop(StopReason.POWER_OFF, code, "the guest switched off")
                if self._interrupted:
                    self._interrupted = False
                    return Stop(StopReason.INTERRUPTED)
                stop = observers.between_bursts()
                if stop is not None:
                    return stop
                if board.all_idle:
                    observers.all_wait()
                    if not self.idling.begin_jump():
                        return Stop(StopReason.IDLE, None, "nothing will ever happen")
                    if not clock.in_burst:
                        continue  # Something has come in.
                bursts.begin()
            stop = bursts.run(self._end)
            if stop is not None:
                return stop
            if clock.elapsed < clock.burst:
                if self._end is None or engine.clock < self._end:
                    continue  # A preemption is due, or the machine has begun to idle.
                return Stop(StopReason.CYCLE_LIMIT)
            jumped = clock.jumping
            poll = clock.end_burst()
            if jumped:
                observers.records_wait()
            if poll:
                board.input_port.poll(engine.clock, clock.now)
            if board.debugger_pending:
                board.debugger_pending = False
                if self.stop_for_debugger:
                    return Stop(StopReason.DEBUGGER, None, "the guest asked for a debugger")
                board.message("Not waiting for debugger...")

    def interrupt(self) -> None:
        """Make the machine stand soon, between two bursts, with INTERRUPTED: from any thread or
        signal handler."""
        self._interrupted = True
        self.board.input_port.disturb()

    def _fail(self, error: BaseException) -> None:
        """What takes the guest's output has raised this, in the middle of what a device does: that
        is brought to its end, and `run` comes back soon and raises it."""
        self._failure = self._failure or error
        self.interrupt()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            self._interrupted = False
            raise failure

    # State and statistics.

    def state_loaded(self, engine: Engine | None = None) -> None:
        """Go on with a board that has loaded a state: on the same engine, or on another one made
        for the board."""
        if engine is not None and engine is not self.engine:
            self.engine = engine
            self.board.memory.on_write(engine.memory_changed)
        self.engine.state_changed()
        self._answers.forget()
        self.idling.host_stood_still()
        self._bursts.find_start()
        self.observers.state_loaded()

    @property
    def statistics(self) -> Statistics:
        """What the machine did since power-on."""
        board, clock = self.board, self.board.clock
        running = clock.elapsed if clock.in_burst and not clock.jumping else 0
        return Statistics(
            processors=[processor_statistics(each) for each in board.processors],
            devices=board.activity.save(),
            run_cycles=clock.run_cycles + running,
            idle_cycles=clock.idle_cycles,
            virtual_time=clock.now,
            wall_time=self._wall_time,
        )
