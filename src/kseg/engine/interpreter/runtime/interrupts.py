"""When a processor is interrupted: what is raised, and the timer that will raise something."""

from kseg.engine.codegen.typed import likely, u32, u64
from kseg.engine.state import ProcessorState
from kseg.isa import registers as r

NEVER = 1 << 40
"""Cycles until a timer fires that is not armed."""


def interrupt_due(state: ProcessorState) -> bool:
    """Is an interrupt raised that Status lets through?"""
    raised = state.cause | state.interrupt_lines | state.timer_line
    return bool(state.status & r.STATUS_IEC and raised & state.status & r.STATUS_IM)


def cycles_to_timer(state: ProcessorState) -> u64:
    """Cycles until Count reaches Compare; fires the timer if that is now."""
    if likely(not state.timer_armed):
        return NEVER
    cycles: u32 = u32(state.compare - (state.clock - state.count_origin))
    if cycles == 0:
        state.count_origin = state.clock
        state.timer_line = r.TIMER_LINE
        cycles = state.compare
    return cycles if cycles else 1 << 32
