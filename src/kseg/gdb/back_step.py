"""One instruction back, and not into the exceptions that came in between.

A step forwards takes exceptions on its way and is over when they are (`stepping`). So a step
back from where an exception has returned to goes on to where it was taken, and from there to the
instruction before: by raw instructions, it would end in the handler.
"""

from kseg.api.travel import TimeTravel
from kseg.engine.state import ProcessorState
from kseg.isa.exceptions import GENERAL_VECTOR, REFILL_VECTOR, RFE_WORD
from kseg.isa.registers import STATUS_KUC, STATUS_KUP
from kseg.isa.values import WORD
from kseg.monitor.stop import Stop
from kseg.unwind.guest_memory import GuestMemory

LONGEST_EXCEPTION = 50_000_000
"""Cycles (two virtual seconds) in which the beginning of an exception is looked for. A thread that
has slept for longer is stepped back into the kernel, as is one that begins with a return from an
exception that never was."""

KEPT = (28, 29, 30, 31)
"""GP, SP, FP and RA, which a thread has after an exception, or a system call, as before."""


def step_back(history: TimeTravel, processor: int) -> tuple[bool, int | None]:
    """Go to where a processor was one instruction before, with all exceptions between the two
    undone. Whether there is such a moment, and, if exceptions were undone, the address to which
    they returned."""
    position = _ThreadPosition(_state(history, processor))
    pc = position.pc
    undone: int | None = None
    while True:
        # All that is undone returned to this place, at which one exception after another may have
        # been taken, as where a page is missing from the TLB.
        if not history.step_back(processor):
            return False, undone
        state = _state(history, processor)
        if _is_return_to(history, processor, pc):
            cycle = history.machine.engine.clock
            if not _go_to_exception(history, processor, position):
                history.go_to(cycle)
                return True, undone
            undone = pc
        elif undone is None or not _is_again(state, pc):
            return True, undone


def _state(history: TimeTravel, processor: int) -> ProcessorState:
    return history.machine.processors[processor].state


class _ThreadPosition:
    """Where in its work a thread stands: what tells it from others in the same code."""

    def __init__(self, state: ProcessorState) -> None:
        self.pc = int(state.pc)
        self.user = bool(state.status & STATUS_KUC)
        self.kept = tuple(state.gpr[number] for number in KEPT)

    def was_interrupted(self, state: ProcessorState) -> bool:
        """Whether a processor has just taken an exception there, or at the system call before."""
        return (
            state.pc in (GENERAL_VECTOR, REFILL_VECTOR)
            and state.epc in (self.pc, (self.pc - 4) & WORD)
            and bool(state.status & STATUS_KUP) == self.user
            and tuple(state.gpr[number] for number in KEPT) == self.kept
        )


def _is_return_to(history: TimeTravel, processor: int, pc: int) -> bool:
    """Whether a processor is about to leave an exception's handler for `pc`."""
    state = _state(history, processor)
    if not state.in_delay_slot or state.next_pc != pc:
        return False
    return GuestMemory(history.machine, processor).word(state.pc) == RFE_WORD


def _is_again(state: ProcessorState, pc: int) -> bool:
    """Whether it is the instruction at `pc`, or its delay slot, that faulted and was repeated."""
    return state.pc == pc or bool(state.in_delay_slot and state.pc == (pc + 4) & WORD)


def _go_to_exception(history: TimeTravel, processor: int, position: _ThreadPosition) -> bool:
    """Go back to where an exception was taken whose handler has returned to a place."""
    clock = history.machine.engine.clock

    def wanted(_moment: int, stop: Stop) -> bool:
        return stop.processor == processor and position.was_interrupted(_state(history, processor))

    found = history.run_back(
        (GENERAL_VECTOR, REFILL_VECTOR),
        wanted=wanted,
        to=max(history.first_cycle, clock - LONGEST_EXCEPTION),
    )
    return found is not None
