"""The loop over processors: `run`, the one function that Python calls to execute code.

All processors of the machine take turns, exactly as in the reference engine.
"""

import ctypes

from kseg.engine.codegen.typed import external, i32, likely, u8, u32, u64, unlikely
from kseg.engine.contract import ExitReason
from kseg.engine.interpreter.layout import (
    MAX_PROCESSORS,
    RESCHEDULE,
    RESUME_UNKNOWN,
    ROUND_ROBIN_NOT_STARTED,
    ROUND_ROBIN_OVER,
    ROUND_ROBIN_SLOW,
    STEADY_SLOTS,
    Context,
    Shared,
)
from kseg.engine.interpreter.runtime.code_pages import materialise
from kseg.engine.interpreter.runtime.interrupts import interrupt_due
from kseg.engine.interpreter.runtime.modes import resynchronise
from kseg.engine.interpreter.runtime.processor_loop import enter_code, run_processor
from kseg.isa.registers import WAKING_LINES

FEWEST_ROUNDS = 2
"""A ring is not worth making for fewer."""


@external
def go_on_at_entry(context: Context, end: u64, budget: u64) -> i32:
    """Execute from the entry at which the processor stopped, for `budget` cycles up to `end`; why
    it came back."""
    raise NotImplementedError


# One processor.


def runs(context: Context) -> bool:
    """Does the processor run? A raised line ends its waiting."""
    state = context.processor
    if state.interrupt_lines & WAKING_LINES:
        state.waiting = 0
    return bool(state.enabled and not state.waiting)


def catch_up(context: Context, clock: u64) -> None:
    """The cycles before `clock` in which the processor did not run while another did."""
    state = context.processor
    if unlikely(state.clock < clock):
        behind = clock - state.clock
        state.idle_cycles += behind
        state.clock += behind
        state.count_origin += behind
        state.random_origin += behind
        context.mode_since += behind


def go_on(context: Context, end: u64) -> i32:
    """Let the processor run from its clock to `end`.

    Where it stopped because its turn was over, it goes on with the next handler at once, unless
    its timer is near or an interrupt is due.
    """
    state = context.processor
    clock = state.clock
    known = context.resume != RESUME_UNKNOWN and end < context.timer_at and clock < end
    code: i32 = RESCHEDULE
    if likely(known and not interrupt_due(state)):
        code = go_on_at_entry(context, end, u64(end - clock))
    return run_processor(context, end) if code == RESCHEDULE else code


# All of them. A round gives each processor one turn of `quantum` cycles. A processor that runs
# alone is not interrupted at the end of its turn; the rounds are reckoned as if it had been.


def context_of(engine: Shared, number: u64) -> Context:
    """A processor's."""
    return Context.from_address(engine.contexts[number % MAX_PROCESSORS])


def run(engine: Shared, limit: u64) -> i32:
    """Let the processors take turns until the round of cycle `limit`, all wait, or the run loop
    must be asked: an ExitReason."""
    enter_code()
    quantum, processors = max(engine.quantum, 1), engine.context_count
    now: u64 = engine.round
    turn: u64 = engine.turn
    begin(engine)
    running: u8 = count_running(engine)
    while True:
        if turn == 0:
            running = count_running(engine)
            if now >= limit:
                return leave(engine, ExitReason.BUDGET, now, turn)
            if running == 0:
                return leave(engine, ExitReason.IDLE, now, turn)
            if running > 1:
                ended = round_robin(engine, now, limit)
                if ended != ROUND_ROBIN_NOT_STARTED:
                    end = context_of(engine, engine.turn).limit
                    # At ROUND_ROBIN_SLOW the turn has not begun: the end is that of the one before.
                    now = end if ended == ROUND_ROBIN_SLOW else u64(end - quantum)
                    turn = engine.turn
                    if ended == ROUND_ROBIN_OVER:
                        now, turn = engine.round_robin_until, 0
                    if ended != ExitReason.BUDGET and ended < RESCHEDULE:
                        return leave(engine, ended, now, turn)
        whole = u64(limit - now)
        passed: u64 = min(quantum, whole)
        context = context_of(engine, turn)
        has_turn = runs(context)
        alone = has_turn and running == 1
        if has_turn:
            catch_up(context, now)
            code = go_on(context, u64(now + (whole if alone else passed)))
            cycles = u64(context.processor.clock - now)
            if code not in (ExitReason.BUDGET, ExitReason.IDLE):
                if alone:
                    now = u64(now + cycles // quantum * quantum)
                return leave(engine, code, now, turn)
            if alone:
                passed = min(u64(u64(cycles + quantum - 1) // quantum * quantum), whole)
        # The next one's turn; after a processor that ran alone, every processor's has passed.
        turn = u64(turn + 1)
        if alone or turn >= processors:
            turn = 0
            now = u64(now + passed)


def begin(engine: Shared) -> None:
    """Whatever was remembered may have been changed between two runs."""
    if not engine.keep_steady:
        for slot in range(STEADY_SLOTS):
            engine.steady_keys[slot] = 0
    engine.keep_steady = 0
    for number in range(min(engine.context_count, MAX_PROCESSORS)):
        context_of(engine, number).resume = RESUME_UNKNOWN


def count_running(engine: Shared) -> u8:
    """How many processors run."""
    found: u32 = 0
    for number in range(min(engine.context_count, MAX_PROCESSORS)):
        if runs(context_of(engine, number)):
            found = u32(found + 1)
    return u8(found)


def leave(engine: Shared, code: i32, now: u64, turn: u64) -> i32:
    """The exit is for the run loop: no processor's clock is behind the round's beginning."""
    engine.round = now
    engine.turn = turn
    for number in range(min(engine.context_count, MAX_PROCESSORS)):
        context = context_of(engine, number)
        catch_up(context, now)
        resynchronise(context, context.processor.clock)
    return code


# Turns without this loop (see `entering`).


def join(context: Context) -> u64:
    """May the processor be in a ring? If so, the cycle before which it needs nothing but turns,
    else 0."""
    if context.resume == RESUME_UNKNOWN or interrupt_due(context.processor):
        return 0
    return u64(context.timer_at - 1) if context.timer_at else 0


def round_robin(engine: Shared, now: u64, limit: u64) -> i32:
    """Make a ring of the processors that run, and let them take turns from cycle `now` to at most
    `limit`. The result says how it ended; `turn` says at which processor."""
    quantum, processors = max(engine.quantum, 1), min(engine.context_count, MAX_PROCESSORS)
    until: u64 = limit
    for number in range(processors):
        context = context_of(engine, number)
        if runs(context):
            until = min(until, join(context))
    rounds = u64(until - now) // quantum if until > now else 0
    if rounds < FEWEST_ROUNDS:
        return ROUND_ROBIN_NOT_STARTED
    engine.round_robin_until = u64(now + rounds * quantum)
    first: u64 = 0
    last: u64 = 0
    for number in range(processors):
        context = context_of(engine, number)
        if runs(context):
            catch_up(context, now)
            context.limit = now
            context.wraps = 0
            if first == 0:
                first = ctypes.addressof(context)
            else:
                Context.from_address(last).next = ctypes.addressof(context)
            last = ctypes.addressof(context)
    Context.from_address(last).next = first
    Context.from_address(last).wraps = 1
    begins = Context.from_address(first)
    engine.turn = begins.number
    code = go_on_at_entry(begins, u64(now + quantum), quantum)
    for number in range(processors):
        context = context_of(engine, number)
        if context.next:
            materialise(context)
            context.next = 0
    return code
