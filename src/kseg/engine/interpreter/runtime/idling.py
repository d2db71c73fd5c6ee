"""Cycles in which every processor waits. Engine and burst loop let them pass with this."""

from kseg.engine.codegen.typed import u64
from kseg.engine.interpreter.layout import MAX_PROCESSORS, Context, Shared


def pass_idly(engine: Shared, cycles: u64) -> None:
    """Let cycles pass in which no processor executes anything."""
    engine.round += cycles
    for number in range(min(engine.context_count, MAX_PROCESSORS)):
        context = Context.from_address(engine.contexts[number])
        state = context.processor
        state.clock += cycles
        state.count_origin += cycles
        state.random_origin += cycles
        context.mode_since += cycles
