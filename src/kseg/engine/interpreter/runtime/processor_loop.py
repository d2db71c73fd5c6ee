"""The outer loop of one processor: timer, interrupts, then handlers until they stop."""

from kseg.engine.codegen.typed import external, i32, u32, u64, unlikely
from kseg.engine.contract import ExitReason
from kseg.engine.interpreter.layout import LATCH_NONE, RESCHEDULE, Context
from kseg.engine.interpreter.runtime.interrupts import NEVER, cycles_to_timer, interrupt_due
from kseg.engine.interpreter.runtime.modes import resynchronise
from kseg.engine.interpreter.runtime.specialisation import PROFILE


@external
def enter_code() -> None:
    """What a core does before it enters code that may have been written since it last did."""


@external
def enter(context: Context, budget: u64) -> i32:
    """Execute from the stored state for at most `budget` cycles; why it came back."""
    raise NotImplementedError


@external
def enter_exception(
    context: Context,
    pc: u32,
    in_slot: bool,
    next_pc: u32,
    code: u32,
    address: u32,
    opcode: u32,
    refill: u32,
    now: u64,
) -> u32:
    """Take an exception; returns the vector. See `exceptions`."""
    raise NotImplementedError


def run_processor(context: Context, end: u64) -> i32:
    """Run the processor until its clock is `end`, it waits, or there is a VM exit."""
    enter_code()
    state = context.processor
    while True:
        resynchronise(context, state.clock)
        timer = cycles_to_timer(state) if PROFILE.timer else NEVER
        clock = state.clock
        context.timer_at = u64(clock + timer)
        if clock >= end:
            return ExitReason.BUDGET
        if state.waiting:
            return ExitReason.IDLE
        if unlikely(context.engine.trace_full != 0):
            return ExitReason.TRACE_FULL
        answered = context.latch != LATCH_NONE
        if interrupt_due(state) and not answered:
            take_interrupt(context)
        # An instruction that has its answer completes before an interrupt is looked at.
        code = enter(context, 1 if answered else min(u64(end - clock), timer))
        context.latch = LATCH_NONE
        if code not in (ExitReason.BUDGET, RESCHEDULE):
            return code


def take_interrupt(context: Context) -> None:
    """Enter the exception for an interrupt before the next instruction."""
    state = context.processor
    if PROFILE.load_delay:
        register = state.pending_load_register & 31
        if register:
            state.gpr[register] = state.pending_load_value
        state.pending_load_register = 0
        state.pending_load_value = 0
    in_slot, clock = state.in_delay_slot != 0, state.clock
    vector = enter_exception(context, state.pc, in_slot, state.next_pc, 0, 0, 0, 0, clock)
    state.pc = vector
    state.next_pc = 0
    state.in_delay_slot = 0
