"""Instruction for instruction."""

from typing import TYPE_CHECKING

from kseg.isa.registers import WAKING_LINES
from kseg.machine.processor_state import executed
from kseg.monitor.observer import RUN_ON, Observer, Order
from kseg.monitor.stop import Stop, StopReason

if TYPE_CHECKING:
    from kseg.api.virtual_machine import VirtualMachine

_DONE, _WOKEN = Stop(StopReason.CONDITION), Stop(StopReason.CONDITION)


class _Steps(Observer):
    """Lets the machine stand after each cycle, until a processor has executed so much."""

    order = Order.USER

    def __init__(self, machine: "VirtualMachine", number: int, count: int) -> None:
        self._machine, self._state = machine, machine.board.processors[number]
        self._wanted = executed(self._state) + count
        self._waits = self.are_done = False

    @property
    def next_cycle(self) -> int | None:
        # Time jumps to what wakes a processor, and nothing is executed before that is noticed.
        return None if self._waits else self._machine.cycles + 1

    def starts(self) -> None:
        self._waits = not self._is_ready

    def between_bursts(self) -> Stop | None:
        return _WOKEN if self._waits and self._is_ready else None

    def stopped(self, stop: Stop) -> Stop | None:
        if stop is not _WOKEN and stop.reason is not StopReason.CYCLE_LIMIT:
            return None
        self.are_done = executed(self._state) >= self._wanted
        return _DONE if self.are_done else RUN_ON

    @property
    def _is_ready(self) -> bool:
        """Whether some processor is about to execute something."""
        return any(
            each.enabled and not (each.waiting and not each.interrupt_lines & WAKING_LINES)
            for each in self._machine.board.processors
        )


def step(machine: "VirtualMachine", count: int, number: int) -> Stop:
    """See `VirtualMachine.step`; for the holder of the machine's lock."""
    if count == 0:
        return RUN_ON
    steps = _Steps(machine, number, count)
    with machine.observers.added(steps):
        stop = machine.run_to(None)
    return RUN_ON if steps.are_done else stop
