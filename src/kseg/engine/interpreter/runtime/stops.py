"""What a debugger stops the processor for. Nothing here is reached while nothing is set, but for
one comparison in the slow paths of loads and stores, and one in decoding (see `debug_stops`)."""

import ctypes

from kseg.engine.codegen.typed import likely, u32, u64
from kseg.engine.contract import ExitReason
from kseg.engine.interpreter.layout import (
    LATCH_NONE,
    PASSING_BREAKPOINT,
    Context,
    WatchpointEntry,
)
from kseg.engine.interpreter.runtime.specialisation import PROFILE

UNWATCHED, NEAR, HIT = range(3)
"""An access: to a page that nothing watches, to one that something watches, and to that."""


def is_breakpoint(context: Context, pc: u32, clock: u64) -> bool:
    """Is the processor to stop at an address in a cycle?"""
    engine, state = context.engine, context.processor
    for number in range(u32(engine.breakpoint_count)):
        if ctypes.c_uint32.from_address(u64(engine.breakpoints + 4 * number)).value == pc:
            stalls = u64(state.kernel_stalls + state.user_stalls)
            if context.latch != LATCH_NONE:
                context.passed_pc = pc
                context.passed_at = u64(clock + 1)
                context.passed_stalls = stalls
                return False
            # It may have been passed in the cycle before this, and have had to wait.
            waited = context.passed_at == clock and context.passed_stalls == u64(stalls - 1)
            return not (PROFILE.hi_lo_interlock and waited and context.passed_pc == pc)
    return False


def watched(context: Context, address: u32, size: u32, kind: u32) -> u32:
    """Whether watchpoints concern an access: UNWATCHED, NEAR, or HIT, after noting the exit."""
    if likely(context.engine.watchpoint_count == 0):
        return UNWATCHED
    return look_at_watchpoints(context, address, size, kind)


def look_at_watchpoints(context: Context, address: u32, size: u32, kind: u32) -> u32:
    """See `watched`."""
    engine, latch = context.engine, context.latch
    end = u32(address + u32(size - 1))
    result: u32 = UNWATCHED
    for number in range(u32(engine.watchpoint_count)):
        where = engine.watchpoints + ctypes.sizeof(WatchpointEntry) * number
        entry = WatchpointEntry.from_address(u64(where))
        if entry.kinds >> (kind & 31) & 1:
            if entry.first >> 12 <= address >> 12 <= entry.last >> 12:
                result = NEAR
            stops = latch in (LATCH_NONE, PASSING_BREAKPOINT)
            if stops and entry.first <= end and address <= entry.last:
                context.fault_reason = ExitReason.WATCHPOINT
                context.exit_address = max(entry.first, address)
                context.exit_size = size
                context.exit_value = kind
                return HIT
    return result
