"""Tracing: events become records. Nothing here is reached while nothing is traced (see
`tracing_hooks`).

Exceptions and what changes the TLB or the address space come by here anyway: they are looked at in
the runtime, and translations stay. Instructions and jumps do not. While they are traced, code is
decoded so that it comes by: each instruction as TRACED, which goes on to its own handler, and each
jump as another operation that does the same and records itself.
"""

import ctypes

from kseg.engine.codegen.typed import i32, pointer, u8, u32, u64, unlikely
from kseg.engine.interpreter.layout import FROM_INSTRUCTION, Context, RecordEntry, Shared
from kseg.engine.interpreter.runtime.address_translation import tlb_find
from kseg.engine.interpreter.runtime.specialisation import PROFILE
from kseg.engine.state import TLB_SIZE, ProcessorState
from kseg.engine.tracing import (
    BY_D,
    BY_T,
    LINK,
    LINK_IF,
    MOST_RANGES,
    MOVE,
    RECORD,
    TRAPPED,
    TraceKind,
)
from kseg.isa import registers as r
from kseg.isa.exceptions import RFE_WORD, ExceptionCode

TLBR, TLBWI, TLBWR, TLBP = 0x42000001, 0x42000002, 0x42000006, 0x42000008
STACK_POINTER = 29
NOWHERE = 0
"""In place of a record's address: the filter does not want it."""
RECORD_SIZE = RECORD.size


def record_at(engine: Shared, number: u64) -> pointer:
    """Where a record is kept."""
    return u64(engine.trace_records + RECORD_SIZE * (number & engine.trace_places))


def asid_of(state: ProcessorState) -> u32:
    return u32(state.entry_hi & r.ASID_MASK) >> r.ASID_SHIFT


def is_wanted(context: Context, kind: u32, pc: u32, clock: u64) -> bool:
    """Does an event meet every condition of the filter?"""
    engine = context.engine
    kinds = engine.trace_user if context.user_mode else engine.trace_kernel
    if not kinds >> (kind & 31) & 1:
        return False
    if not engine.trace_processors >> (context.number & 63) & 1:
        return False
    if not engine.trace_asids >> (asid_of(context.processor) & 63) & 1:
        return False
    if not engine.trace_first <= clock <= engine.trace_last:
        return False
    for place in range(min(engine.trace_range_count, MOST_RANGES)):
        if engine.trace_ranges[2 * place] <= pc <= engine.trace_ranges[2 * place + 1]:
            return True
    return bool(engine.trace_range_count == 0)


def trace_slot(context: Context, kind: u32, pc: u32, clock: u64, flags: u32, word: u32) -> pointer:
    """The address of a new record of an event, its first fields filled in, the others 0; NOWHERE
    if it is not wanted."""
    engine = context.engine
    count = engine.trace_count
    if not is_wanted(context, kind, pc, clock) or count >= engine.trace_limit:
        return NOWHERE
    engine.trace_count = u64(count + 1)
    if unlikely(u64(count + 1) >= engine.trace_room):
        engine.trace_full = 1
    address = record_at(engine, count)
    record = RecordEntry.from_address(address)
    record.cycle, record.pc, record.word = clock, pc, word
    for value in range(5):
        record.values[value] = 0
    record.kind = u8(kind)
    record.processor = u8(context.number)
    record.flags = u8(flags | (context.user_mode != 0))
    record.asid = u8(asid_of(context.processor))
    return address


def trace_finish(context: Context) -> None:
    """Note the result of the processor's last instruction that was recorded."""
    engine, state = context.engine, context.processor
    pending = context.trace_pending
    if pending == 0:
        return
    context.trace_pending = 0
    number = u64(pending - 1)
    if u64(engine.trace_count - number) > engine.trace_places:
        return
    register = context.trace_register
    value: u32 = state.gpr[register & 31]
    if register == state.pending_load_register:
        value = state.pending_load_value
    RecordEntry.from_address(record_at(engine, number)).values[2] = value


def trace_retract(context: Context, clock: u64) -> None:
    """See `tracing_hooks.retract`."""
    mark, engine = context.trace_mark, context.engine
    if mark != 0 and mark == engine.trace_count and context.trace_mark_at == clock:
        engine.trace_count = u64(mark - 1)
        context.trace_mark = 0
        context.trace_pending = 0


def trace_instruction(context: Context, pc: u32, word: u32, clock: u64, flags: u32) -> None:
    """An instruction is about to be executed."""
    engine, state = context.engine, context.processor
    trace_finish(context)
    context.trace_mark = 0
    address = trace_slot(context, TraceKind.INSTRUCTION, pc, clock, flags, word)
    if address == NOWHERE:
        return
    record = RecordEntry.from_address(address)
    record.values[0] = state.gpr[word >> 21 & 31]
    record.values[1] = state.gpr[word >> 16 & 31]
    context.trace_mark = engine.trace_count
    context.trace_mark_at = clock
    written = destination(engine, word)
    context.trace_register = written
    context.trace_pending = engine.trace_count if written else 0


def destination(engine: Shared, word: u32) -> u32:
    """`kseg.engine.tracing.destination`."""
    rule = engine.trace_destinations[word >> 26]
    if rule == BY_D:
        return word >> 11 & 31
    if rule == BY_T or (rule == MOVE and not word >> 21 & 29):
        return word >> 16 & 31
    return 31 if rule == LINK or (rule == LINK_IF and word & 1 << 20) else 0


def trace_jump(context: Context, pc: u32, word: u32, clock: u64, flags: u32, target: u32) -> None:
    """A jump will be made, after its delay slot."""
    address = trace_slot(context, TraceKind.JUMP, pc, clock, flags, word)
    if address != NOWHERE:
        RecordEntry.from_address(address).values[0] = target


def trace_exception(
    context: Context, pc: u32, flags: u32, code: u32, vector: u32, now: u64
) -> None:
    """An exception has been taken, but the mode is still that before it; `now` is the cycle after
    it, or, for an interrupt that no instruction has raised, its own."""
    state = context.processor
    interrupt = code == ExceptionCode.INTERRUPT
    between = bool(interrupt and not flags & FROM_INSTRUCTION)
    clock = now if between else u64(now - 1)
    if not between:
        note_trap(context, pc, clock)
    kind = TraceKind.INTERRUPT if interrupt else TraceKind.EXCEPTION
    address = trace_slot(context, kind, pc, clock, flags, vector)
    if address == NOWHERE:
        return
    record = RecordEntry.from_address(address)
    record.values[0] = state.cause | state.interrupt_lines | state.timer_line
    record.values[1] = state.epc
    record.values[2] = state.bad_vaddr
    record.values[3] = state.gpr[STACK_POINTER]
    if code == ExceptionCode.SYSTEM_CALL:
        leave_at_call(context)
    if PROFILE.has_tlb and ExceptionCode.TLB_MODIFIED <= code <= ExceptionCode.TLB_STORE:
        record.values[4] = u32(tlb_find(state, state.entry_hi))


def leave_at_call(context: Context) -> None:
    """Let the record be taken at once, if that is wanted."""
    if context.engine.trace_leaves_at_calls:
        context.engine.trace_full = 1


def note_trap(context: Context, pc: u32, clock: u64) -> None:
    """If an exception comes from the instruction that was recorded last, note that there."""
    mark = context.trace_mark
    if mark == 0 or context.trace_mark_at != clock:
        return
    record = RecordEntry.from_address(record_at(context.engine, u64(mark - 1)))
    # Not so where what follows RFE could not be fetched.
    if record.pc == pc:
        record.flags |= TRAPPED
        context.trace_pending = 0


def trace_changed(context: Context, pc: u32, word: u32, clock: u64, flags: u32) -> None:
    """An instruction was executed that may have changed mode, address space or TLB, but the tables
    are still those before it."""
    state = context.processor
    if word == RFE_WORD:
        address = trace_slot(context, TraceKind.RETURN, pc, clock, flags, word)
        if address != NOWHERE:
            record = RecordEntry.from_address(address)
            record.values[0] = state.status
            record.values[1] = state.gpr[STACK_POINTER]
            leave_at_call(context)
    if not PROFILE.has_tlb:
        return
    if word in (TLBWI, TLBWR, TLBR):
        address = trace_slot(context, TraceKind.TLB, pc, clock, flags, word)
        if address != NOWHERE:
            record = RecordEntry.from_address(address)
            record.values[0] = (state.index & r.INDEX_MASK) >> r.INDEX_SHIFT
            record.values[1], record.values[2] = state.entry_hi, state.entry_lo
            if word != TLBR:
                record.values[0] = context.trace_tlb_index
                record.values[3] = context.trace_tlb_high
                record.values[4] = context.trace_tlb_low
    old, new = context.asid >> r.ASID_SHIFT, asid_of(state)
    if old != new:
        address = trace_slot(context, TraceKind.ADDRESS_SPACE, pc, clock, flags, word)
        if address != NOWHERE:
            record = RecordEntry.from_address(address)
            record.values[0], record.values[1] = old, new


def trace_probed(context: Context, found: i32, pc: u32, clock: u64, flags: u32) -> None:
    """TLBP was executed, with the result `found`, negative if there is none."""
    state = context.processor
    address = trace_slot(context, TraceKind.TLB, pc, clock, flags, TLBP)
    if address != NOWHERE:
        record = RecordEntry.from_address(address)
        record.values[0] = u32(found)
        record.values[1] = state.entry_hi
        record.values[2] = state.tlb_entry_lo[found % TLB_SIZE] if found >= 0 else 0


assert ctypes.sizeof(RecordEntry) == RECORD_SIZE
