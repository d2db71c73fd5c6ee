"""What an exploration learns from some runs before it begins."""

from collections.abc import Iterator, Sequence

from kseg.api.machine import Machine
from kseg.exploration.plans import Sample
from kseg.exploration.sharing import AccessSite, Sharing, merged
from kseg.isa.registers import GPR_NAMES
from kseg.machine.preemption import Preemption
from kseg.monitor.observer import Observer
from kseg.monitor.stop import Stop, StopReason

SAMPLES = 4000
"""Moments at which the strategy `places` samples the run."""
MOST_TRACED = 1_200_000
"""Busy cycles of a run that are traced; of a longer one, so many in parts."""
PARTS = 12
_SP = GPR_NAMES.index("sp")


def samples(machine: Machine, length: int, count: int = SAMPLES) -> list[Sample]:
    """What the run that begins where `machine` is does at up to `count` moments, evenly distributed
    over `length` busy cycles."""
    found: list[Sample] = []
    with machine.fork() as clone:
        begin = clone.busy_cycles
        for number in range(count):
            at = begin + length * number // count
            if not _run_to(clone, at):
                break
            for processor in clone.board.processors:
                if processor.enabled and not processor.waiting:
                    found.append(Sample(at, processor.identity, processor.pc))
    return found


def shared_sites(
    machine: Machine, length: int, runs: Sequence[Sequence[Preemption]]
) -> list[AccessSite]:
    """Access sites of the runs that begin where `machine` is, each with some preemptions, in their
    first `length` busy cycles."""
    return merged(_shared_sites(machine, length, run, plan) for run, plan in enumerate(runs))


def _shared_sites(
    machine: Machine, length: int, run: int, plan: Sequence[Preemption]
) -> list[AccessSite]:
    sharing = Sharing(run)
    with machine.fork() as clone:
        clone.preemptions = plan
        begin = clone.busy_cycles
        for first, last in _parts(length):
            if not _run_to(clone, begin + first):
                break
            sharing.begin(clone.board.clock.idle_cycles, _statuses(clone))
            kinds = "instruction", "exception", "interrupt", "return"
            with clone.trace(*kinds, receive=sharing.take):
                if not _run_to(clone, begin + last):
                    break
    return sharing.sites()


def _parts(length: int) -> Iterator[tuple[int, int]]:
    if length <= MOST_TRACED:
        yield 0, length
        return
    for number in range(PARTS):
        first = length * number // PARTS
        yield first, first + MOST_TRACED // PARTS


def _statuses(machine: Machine) -> list[tuple[int, int, int]]:
    return [
        (int(each.status), int(each.gpr[_SP]), int(each.waiting))
        for each in machine.board.processors
    ]


def _run_to(machine: Machine, busy: int) -> bool:
    """Let a machine run until it has been busy for so long; False where it ends before."""
    if machine.busy_cycles >= busy:
        return True
    with machine.observers.added(_BusyLimit(machine, busy)):
        return machine.run() is _REACHED


class _BusyLimit(Observer):
    """Ends a run after so many busy cycles since power-on."""

    def __init__(self, machine: Machine, busy: int) -> None:
        self._machine, self._busy = machine, busy

    @property
    def next_cycle(self) -> int | None:
        machine = self._machine
        return machine.cycles + max(self._busy - machine.busy_cycles, _idle_cycles(machine))

    def stopped(self, stop: Stop) -> Stop | None:
        at_limit = stop.reason is StopReason.CYCLE_LIMIT and self._machine.busy_cycles >= self._busy
        return _REACHED if at_limit else None


_REACHED = Stop(StopReason.CONDITION)


def _idle_cycles(machine: Machine) -> int:
    """Cycles that will pass before anything is executed."""
    clock = machine.board.clock
    if not machine.board.all_idle or clock.next_due is None:
        return 0
    return (clock.next_due - clock.now) // clock.model.nanoseconds_per_cycle
