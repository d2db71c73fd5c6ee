"""The run loop: a board runs on an engine, burst for burst, and observers take part.

What executes below it is an engine; under a monitor, a virtual processor that looks like one.

Each file is about one thing: `burst_loop` is what goes on until Python is needed, `drivers` who
executes there, `device_answers` what exits for devices come to, `idling` how idle time passes,
`observer` what takes part.
"""

import ctypes
import threading
import time
from collections.abc import Callable, Iterable

from kseg.engine.contract import Engine, Exit, ExitReason
from kseg.errors import DoomReached, GuestFatal
from kseg.isa.exceptions import Fatal
from kseg.machine.board import Board
from kseg.machine.run_lock import InUseError, Safepoint
from kseg.machine.statistics import Statistics, processor_statistics
from kseg.monitor.burst_loop import NEVER, BurstLoop, Look, Why, advance, begin
from kseg.monitor.device_answers import DeviceAnswers
from kseg.monitor.drivers import NativeDriver, PlainDriver, driver_of
from kseg.monitor.idling import Idling
from kseg.monitor.native import Callbacks, address_of, native_board
from kseg.monitor.observer import Observer, Order
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
        self._loop = BurstLoop(board_address=ctypes.addressof(board.record))
        self._callbacks = Callbacks(self)
        self._native = native_board(board)
        board.record.news = True  # What has been printed before, nobody has looked at.
        self._connect()
        self._running = threading.Lock()
        self._limit: int | None = None
        self._end: int | None = None
        self._wall_time = 0
        self._failure: BaseException | None = None
        self._interrupted = False
        self.engine = engine
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
        self._engine = self._answers.engine = self.idling.engine = engine
        self._usual_driver = driver_of(engine, self.board.clock)
        self._use(self._usual_driver)

    def _use(self, driver: NativeDriver | PlainDriver) -> None:
        """Let this one drive the burst loop."""
        loop = self._loop
        loop.driver = self.driver = driver
        loop.swaps = driver.native and self.board.byte_order == "big"
        loop.shared_address = driver.shared_address
        if driver.native:
            loop.run_address, loop.skip_address = driver.run_address, 0
        else:
            loop.run_address = address_of(self._callbacks.run)
            loop.skip_address = address_of(self._callbacks.skip)

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
            self._settle()
            return Stop(StopReason.DOOM, doom.exit_code, str(doom))
        except GuestFatal as fatal:
            self._settle()
            asking = self.board.bus.asking_processor
            return Stop(StopReason.FATAL, fatal.exit_code, str(fatal), asking)
        finally:
            self._wall_time += time.perf_counter_ns() - started

    def _settle(self) -> None:
        """An exception has cut the burst: the clock is to show how far it came."""
        self.board.clock.elapsed = self.engine.clock - self._loop.start

    def _run(self) -> Stop:
        """Run until there is a reason to stand."""
        board, clock = self.board, self.board.clock
        while True:
            if not clock.in_burst:
                stop = self._between_bursts()
                if stop is not None:
                    return stop
                if board.all_idle:
                    self.observers.all_wait()
                    if not self.idling.begin_jump():
                        return Stop(StopReason.IDLE, None, "nothing will ever happen")
                    if not clock.in_burst:
                        continue  # Something has come in.
            code = self._advance()
            if code < Why.BETWEEN_BURSTS:
                request = self.driver.exit_of(code)
                stop = None if request is None else self._answer(request)
                if stop is not None:
                    return stop
            elif code == Why.STRETCH_OVER:
                self.driver.look()
            elif code == Why.AT_END:
                self._raise_fatal()
                if self._end is not None and self.engine.clock >= self._end:
                    return Stop(StopReason.CYCLE_LIMIT)
            else:
                if self._loop.jumped:
                    self.observers.records_wait()
                if code == Why.POLL:
                    board.input_port.poll(self.engine.clock, clock.now)
                if board.debugger_pending:
                    board.debugger_pending = False
                    if self.stop_for_debugger:
                        return Stop(StopReason.DEBUGGER, None, "the guest asked for a debugger")
                    board.message("Not waiting for debugger...")

    def _between_bursts(self) -> Stop | None:
        """Look at the machine, which stands between two bursts."""
        board = self.board
        if board.state.powered_off:
            code = int(board.state.debugger_requested)
            return Stop(StopReason.POWER_OFF, code, "the guest switched off")
        if self._interrupted:
            self._interrupted = False
            return Stop(StopReason.INTERRUPTED)
        board.record.news = False
        return self.observers.between_bursts()

    def _advance(self) -> int:
        """Let the burst loop go on until Python is needed."""
        usual = self._usual_driver
        if not usual.is_ready():
            self._use(PlainDriver(self.engine, self.board.clock))
        elif self.driver is not usual:
            self._use(usual)
        board, loop, driver = self.board, self._loop, self.driver
        clock, port = board.clock, board.input_port
        observers = self.observers
        loop.start = self.engine.clock - clock.elapsed
        loop.end = NEVER if self._end is None else self._end
        loop.stretch_end = driver.stretch_end
        loop.looks, loop.look_at = observers.looks()
        traced = board.device_trace is not None or board.bus.lines.is_traced
        loop.natively = self._native is not None and not (traced or board.state.doom)
        loop.types = bool(loop.natively and board.typist.waiting) and self._lends()
        board.record.each_character = observers.each_character
        item = port.next_input
        loop.input_cycle = NEVER if item is None else item.cycle
        loop.input_time = NEVER if item is None else item.time
        loop.jumps = self.idling.pace == "fast"
        loop.fatal = self._answers.fatal is not None
        board.record.attention = 0
        if self._interrupted or port.has_queued:
            board.record.attention = 1
        if board.state.preemptions:
            loop.looks |= Look.BURST
            if not clock.in_burst:
                begin(loop, clock)
            loop.end = min(loop.end, self._next_preemption())
        if self._native is None:
            return advance(loop)
        code: int = self._native.advance(ctypes.addressof(loop))
        self.flush()
        arriving = board.typist.take_back() if loop.types else b""
        if arriving:  # Else the port would wake those who wait for input.
            port.type(arriving)
        raised, self._callbacks.raised = self._callbacks.raised, None
        if raised is not None:
            board.record.raised = False
            raise raised
        return code

    def _lends(self) -> bool:
        """Let native code type what waits, if nobody has to look on: then only the other observers
        say when to look."""
        loop, port, typist = self._loop, self.board.input_port, self.board.typist
        assert self._native is not None
        if port.has_queued or port.replaying or port.recorders:
            return False
        receiver = self._native.receivers.get(port.receiver("console"))
        looks, look_at = self.observers.looks(but_for=Order.INPUT)
        if receiver is None or looks & ~Look.OFTEN:
            return False
        loop.looks, loop.look_at = looks, look_at
        typist.receiver, typist.device = receiver
        typist.lend()
        return True

    def flush(self) -> None:
        """Take what native code has printed."""
        record = self.board.record
        if record.printed:
            data = bytes(record.console[: record.printed])
            record.printed = 0
            self.board.take_console(data)

    def _connect(self) -> None:
        """Let native code call Python."""
        board, callbacks = self.board, self._callbacks
        self._loop.happen_address = address_of(callbacks.happen)
        board.record.flush_address = address_of(callbacks.flush)
        board.record.call_address = address_of(callbacks.call)
        board.clock.make_room = address_of(callbacks.grow)

    def _next_preemption(self) -> int:
        """Let preemptions happen that are due, and say in which cycle of the engine's clock the
        next one is, if no more idle time passes."""
        board, clock = self.board, self.board.clock
        while (
            board.state.preemptions
            and clock.elapsed < clock.burst
            and self.engine.clock < self._loop.end
            # No thread can be preempted, and busy cycles do not pass.
            and not (clock.jumping or board.all_idle)
        ):
            at = board.state.preemptions[0].at + clock.idle_cycles
            if at > self.engine.clock:
                return at
            board.preempt()
        return NEVER

    def _answer(self, request: Exit) -> Stop | None:
        """Answer an exit of the engine; a Stop where the machine stops."""
        reason = request.reason
        if reason is ExitReason.DEVICE_LOAD:
            self._answers.load(request)
        elif reason is ExitReason.DEVICE_STORE:
            self._answers.store(request)
        elif reason is ExitReason.TRACE_FULL:
            self.observers.records_wait()
        elif reason is ExitReason.FATAL:
            self._settle()
            text = _describe(request)
            return Stop(StopReason.FATAL, GuestFatal.exit_code, text, request.processor)
        else:
            return _stop_for_debugger(request)
        return None

    def _raise_fatal(self) -> None:
        if self._answers.fatal is not None:
            fatal, self._answers.fatal = self._answers.fatal, None
            raise fatal

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
        self.board.record.news = True
        self.idling.host_stood_still()
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


def _stop_for_debugger(request: Exit) -> Stop:
    processor = request.processor
    if request.reason is ExitReason.BREAK:
        return Stop(StopReason.BREAK, None, "breakpoint", processor)
    if request.reason is ExitReason.BREAKPOINT:
        return Stop(StopReason.BREAKPOINT, processor=processor)
    stores = bool(request.value)
    return Stop(StopReason.WATCHPOINT, processor=processor, address=request.address, stores=stores)


def _describe(request: Exit) -> str:
    if request.fatal is Fatal.DUPLICATE_TLB:
        return f"Duplicate TLB entries for vpage {request.value & 0xFFFFF000:x}"
    if request.fatal is Fatal.STATUS_BITS:
        return "Status register write attempted to use r2000/r3000 cache control"
    return f"processor {request.processor} did something impossible ({request.fatal.name.lower()})"
