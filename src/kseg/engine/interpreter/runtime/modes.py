"""What changes with Status and EntryHi: the tables of the mode, the address space, the counters."""

from kseg.engine.codegen.typed import u64
from kseg.engine.interpreter.layout import Context
from kseg.engine.interpreter.runtime.tlb import leave_address_space
from kseg.isa import registers as r


def update_mode(context: Context, now: u64) -> None:
    """Count the cycles up to `now` for the mode they ran in; take the tables of the mode now."""
    state = context.processor
    if context.user_mode:
        state.user_cycles += now - context.mode_since
    else:
        state.kernel_cycles += now - context.mode_since
    context.mode_since = now
    user = state.status & r.STATUS_KUC != 0
    isolated = state.status & r.STATUS_ISC != 0
    context.user_mode = user
    reads = context.user_reads if user else context.kernel_reads
    writes = context.user_writes if user else context.kernel_writes
    context.reads = context.empty if isolated else reads
    context.writes = context.empty if isolated else writes
    context.codes = context.user_codes if user else context.kernel_codes
    context.kseg0_size = 0 if user or isolated else context.ram_size


def resynchronise(context: Context, now: u64) -> None:
    """Status or EntryHi may have changed: mode and address space from cycle `now` on."""
    update_mode(context, now)
    leave_address_space(context)
