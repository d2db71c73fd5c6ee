"""One run of a guest in one way, for so long and no longer."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from statistics import median
from time import perf_counter, process_time

from kseg.api.machine import Machine
from kseg.compare.exits import Exits, Work, executed_cycles, start_timing, work
from kseg.compare.stopwatch import TickRate, TimedEngine
from kseg.compare.ways import Way
from kseg.compare.workload import Workload
from kseg.machine.board_state import BoardState
from kseg.monitor.observer import Observer
from kseg.monitor.stop import Stop, StopReason

Finished = Callable[[Machine], Callable[[], bool]]
"""Makes, for a machine, a predicate that is asked between bursts: is this the end, though the guest
has not switched off?"""

FIRST_SLICE = 10_000
"""Cycles until the clock on the wall is looked at for the first time."""
SLICE_SECONDS = 0.1
"""Between two checks."""


@dataclass(frozen=True)
class Run:
    kernel: str
    stop: Stop | None
    """How the guest ended; None if it was not given the time to."""
    seconds: float
    """Processor time of this process and of a compiler's, from the first instruction to the
    end."""
    output: bytes
    cycles: int
    """Of the board, idle ones included."""
    executed_cycles: int
    """In which a processor executed."""
    work: Work
    devices: Exits | None
    """Device accesses, where they were timed."""
    ram_digest: str
    """SHA-256 of RAM, in hexadecimal."""
    state: BoardState | None = field(repr=False)
    """All that the guest sees, at the end; None where it was dropped."""

    def without_state(self) -> "Run":
        """The same in less memory."""
        return replace(self, state=None)


def run_once(
    workload: Workload, way: Way, limit: float, finished: Finished, *, timed: bool = False
) -> Run:
    """Run the guest to its end, or for about `limit` seconds. `timed`: measure exits as well, which
    costs a little. NotApplicable where the way cannot have the guest."""
    printed: list[bytes] = []
    with workload.machine(way, printed.append) as machine:
        watch = _time_inside(machine) if timed else None
        rate = TickRate()
        stop, seconds = _run(machine, limit, finished(machine))
        state = machine.save()
        return Run(
            kernel=workload.kernel_for(way),
            stop=stop,
            seconds=seconds,
            output=b"".join(printed),
            cycles=machine.cycles,
            executed_cycles=executed_cycles(machine),
            work=work(machine, rate.nanoseconds_per_tick()),
            devices=_device_accesses(watch),
            ram_digest=hashlib.sha256(state.regions["ram"].whole()).hexdigest(),
            state=state,
        )


def _time_inside(machine: Machine) -> TimedEngine:
    start_timing(machine)
    watch = TimedEngine(machine.engine)
    machine.monitor.engine = watch
    return watch


def _device_accesses(watch: TimedEngine | None) -> Exits | None:
    if watch is None:
        return None
    return Exits(len(watch.answers), median(watch.answers) if watch.answers else None)


def _run(machine: Machine, limit: float, finished: Callable[[], bool]) -> tuple[Stop | None, float]:
    time_limit = _TimeLimit(machine, limit)
    with machine.observers.added(time_limit):
        stop = machine.run(until=finished)
    # Its compiler is done with what it has begun: that counts, too.
    machine.engine.settle()
    seconds = time_limit.processor_seconds + machine.engine.statistics.compile_seconds
    if stop.reason in (StopReason.CONDITION, StopReason.IDLE):
        return Stop(StopReason.IDLE, None, "the guest waits for input"), seconds
    return None if stop is _GIVEN_UP else stop, seconds


class _TimeLimit(Observer):
    """Ends a run after so many of the host's seconds. It looks at the clock between slices of
    cycles, since nothing else comes back from a guest that computes."""

    def __init__(self, machine: Machine, limit: float) -> None:
        self._machine, self._limit = machine, limit
        self._began, self._used = perf_counter(), process_time()
        self._next = machine.cycles + FIRST_SLICE
        self.seconds = 0.0
        """That it took, to the last stop."""
        self.processor_seconds = 0.0
        """The processor time of this process in them."""

    @property
    def next_cycle(self) -> int | None:
        return self._next

    def stopped(self, stop: Stop) -> Stop | None:
        self.seconds = perf_counter() - self._began
        self.processor_seconds = process_time() - self._used
        if stop.reason is not StopReason.CYCLE_LIMIT:
            return None
        if self.seconds >= self._limit:
            return _GIVEN_UP
        # By what was executed, not by the clock: idle time passes in no time, and would have the
        # next slice take for ever.
        length = int(executed_cycles(self._machine) / self.seconds * SLICE_SECONDS)
        self._next = self._machine.cycles + max(FIRST_SLICE, length)
        return None


_GIVEN_UP = Stop(StopReason.INTERRUPTED, None, "it was not given more time")
