"""Instruction for instruction."""

from typing import TYPE_CHECKING

from kseg.engine.state import ProcessorState
from kseg.isa.registers import WAKING_LINES
from kseg.machine.processor_state import executed
from kseg.monitor.stop import Stop, StopReason

if TYPE_CHECKING:
    from kseg.api.virtual_machine import VirtualMachine

_GOES_ON = (StopReason.CYCLE_LIMIT, StopReason.CONDITION)


def step(machine: "VirtualMachine", count: int, number: int) -> Stop:
    """See `VirtualMachine.step`; for the holder of the machine's lock."""
    state = machine.board.processors[number]
    wanted = executed(state) + count
    while executed(state) < wanted:
        if any(_is_ready(each) for each in machine.board.processors):
            stop = machine.run_to(machine.cycles + 1)
        else:
            # Time jumps to what wakes one of them, and nothing is executed before it is asked.
            stop = machine.run_to(
                None, lambda: any(_is_ready(each) for each in machine.board.processors)
            )
        if stop.reason not in _GOES_ON:
            return stop
    return Stop(StopReason.CYCLE_LIMIT)


def _is_ready(state: ProcessorState) -> bool:
    """Whether it is about to execute something."""
    return bool(state.enabled) and not (state.waiting and not state.interrupt_lines & WAKING_LINES)
