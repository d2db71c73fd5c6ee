"""Runs a board's bursts on an engine: between two of its exits cycles pass, each exit is answered,
and the burst ends where the event clock says so (`kseg.machine.clock`)."""

from kseg.engine.contract import Engine, Exit, ExitReason
from kseg.errors import GuestFatal
from kseg.isa.exceptions import Fatal
from kseg.isa.registers import STATUS_BEV
from kseg.machine.board import Board
from kseg.monitor.device_answers import DeviceAnswers
from kseg.monitor.idling import Idling
from kseg.monitor.observers import Observers
from kseg.monitor.stop import Stop, StopReason

LONGEST_STRETCH = 4_000_000
"""Cycles for which a guest that reaches no device may run without a look at its input port:
about a millisecond of the host's time."""

BOOT = 10_000_000
"""Cycles in which a kernel sets up its handlers, if it ever does."""


class Bursts:
    """The burst that is under way, or the next one."""

    def __init__(
        self,
        board: Board,
        engine: Engine,
        answers: DeviceAnswers,
        idling: Idling,
        observers: Observers,
    ) -> None:
        self.engine = engine
        self._board, self._clock = board, board.clock
        self._answers, self._idling, self._observers = answers, idling, observers
        self._start = 0
        """The cycle of the engine's clock in which the burst began."""
        self.find_start()

    def find_start(self) -> None:
        """The board, or the engine, is in another state."""
        self._start = self.engine.clock - self._clock.elapsed

    def settle(self) -> None:
        """An exception has cut the burst: the clock is to show how far it came."""
        self._clock.elapsed = self.engine.clock - self._start

    def begin(self) -> None:
        """Begin one, unless time has begun to jump. Where nothing can happen it may be longer than
        an ordinary one."""
        clock, board = self._clock, self._board
        if not clock.in_burst:
            clock.begin_burst()
            if not (self._observers.every_burst or board.input_port.waiting):
                clock.lengthen_burst(self._stretch())
        self._start = self.engine.clock

    def _stretch(self) -> int:
        """Cycles for which nothing will come in, if a history says what does."""
        item = self._board.input_port.next_input
        longest = LONGEST_STRETCH
        if self.engine.clock < BOOT and self._board.processors[0].status & STATUS_BEV:
            longest = 0  # If it fails now, its user is to know soon.
        if item is None:
            return longest
        return max(min(longest, item.cycle - self.engine.clock), 0)

    def run(self, until_cycle: int | None) -> Stop | None:
        """Run to the burst's end, or to a cycle, or (with preemptions) on the way there; a Stop
        where the machine stops before."""
        length = self._clock.burst
        if until_cycle is not None:
            length = min(length, until_cycle - self._start)
        if self._board.state.preemptions:
            length = self._length_to_preemption(length)
        return self._run(length)

    def _length_to_preemption(self, length: int) -> int:
        """Let preemptions happen that are due, and say to how many cycles into the burst to run
        before the next one: `length` at most."""
        board, clock = self._board, self._clock
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

    def _run(self, length: int) -> Stop | None:
        """Run to `length` cycles into the burst, or to its end when that comes to be earlier."""
        clock, engine, start = self._clock, self.engine, self._start
        if clock.jumping:
            self._idling.skip(length - clock.elapsed)
            return None
        answers, run = self._answers, engine.run
        while True:
            # Answers may cut the burst, so its length is looked up again each time.
            left = (clock.burst if clock.burst < length else length) - clock.elapsed
            if left <= 0:
                break
            request = run(left)
            if answers.prefetching is not None:
                answers.settle_prefetch(answers.prefetching)
            clock.elapsed = engine.clock - start
            reason = request.reason
            if reason is not ExitReason.BUDGET or clock.elapsed < clock.burst:
                over = clock.settle_burst()
                self._start = start = start + over
                length -= over
            if reason is ExitReason.DEVICE_LOAD:
                answers.load(request)
            elif reason is ExitReason.DEVICE_STORE:
                answers.store(request)
            elif reason is ExitReason.IDLE:
                self._idling.skip(min(length, clock.burst) - clock.elapsed)
            elif reason is ExitReason.TRACE_FULL:
                self._observers.records_wait()
            elif reason is ExitReason.FATAL:
                self.settle()
                text = _describe(request)
                return Stop(StopReason.FATAL, GuestFatal.exit_code, text, request.processor)
            elif reason is not ExitReason.BUDGET:
                return _stop_for_debugger(request)
        if answers.fatal is not None:
            fatal, answers.fatal = answers.fatal, None
            raise fatal
        return None


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
