"""What the interpreter offers to tracing: see `kseg.engine.contract.Traceable`."""

import sys
from collections.abc import Iterable

from kseg.engine.interpreter.layout import MAX_PROCESSORS, Context, RecordEntry, Shared
from kseg.engine.state import ProcessorState
from kseg.engine.tracing import CYCLES, RECORD, TraceFilter, TraceKind, checked_filter
from kseg.platform.memory import Memory

MARGIN = 16 * MAX_PROCESSORS
"""Room for what is recorded before the engine is left: each processor may end its instruction and
take an interrupt."""

ALL = (1 << 64) - 1
VALUE = RecordEntry.values.offset + 8
"""Where the result of an instruction lies in its record."""


class Tracing:
    """The part of an `Engine` that traces; the rest is the interpreter's."""

    processors: list[ProcessorState]
    _shared: Shared
    _contexts: list[Context]
    _trace: TraceFilter | None = None
    _trace_buffer: Memory | None = None

    def set_trace(self, wanted: TraceFilter | None) -> None:
        wanted = checked_filter(wanted)
        shared = self._shared
        kinds: frozenset[TraceKind] = wanted.kinds if wanted else frozenset()
        decoded = shared.trace_instructions, shared.trace_jumps
        shared.tracing = shared.trace_count = shared.trace_full = 0
        shared.trace_instructions = TraceKind.INSTRUCTION in kinds
        shared.trace_jumps = TraceKind.JUMP in kinds
        for context in self._contexts:
            context.trace_mark = context.trace_pending = 0
        self._trace = wanted
        self._make_room(wanted)
        if wanted is not None:
            shared.trace_kernel, shared.trace_user = _bits(wanted.kernel), _bits(wanted.user)
            processors = wanted.processors
            shared.trace_processors = ALL if processors is None else _bits(processors)
            shared.trace_asids = ALL if wanted.asids is None else _bits(wanted.asids)
            shared.trace_first, shared.trace_last = wanted.first_cycle, wanted.last_cycle
            shared.trace_leaves_at_calls = wanted.leave_at_calls
            shared.trace_range_count = len(wanted.ranges)
            for number, address in enumerate(a for range_ in wanted.ranges for a in range_):
                shared.trace_ranges[number] = address
            shared.tracing = 1
        if decoded != (shared.trace_instructions, shared.trace_jumps):
            self._decode_anew()

    def _make_room(self, wanted: TraceFilter | None) -> None:
        shared = self._shared
        self._trace_buffer = None
        shared.trace_records = shared.trace_limit = 0
        if wanted is None:
            return
        # One record more than are kept may be made and retracted.
        least = wanted.capacity + (1 if wanted.keep_last else MARGIN)
        places = 1 << (least - 1).bit_length()
        self._trace_buffer = Memory(places * RECORD.size)
        shared.trace_records = self._trace_buffer.address
        shared.trace_places = places - 1
        shared.trace_room = CYCLES if wanted.keep_last else wanted.capacity
        shared.trace_limit = CYCLES if wanted.keep_last else places

    def take_trace(self) -> bytes:
        wanted = self._trace
        if wanted is None or self._trace_buffer is None:
            return b""
        shared, buffer = self._shared, self._trace_buffer.view
        for context, state in zip(self._contexts, self.processors, strict=True):
            self._finish(buffer, context, state)
            context.trace_mark = 0
        count, places, size = shared.trace_count, shared.trace_places + 1, RECORD.size
        first = max(0, count - wanted.capacity) if wanted.keep_last else 0
        start, end = first % places * size, count % places * size
        if count == first:
            found = b""
        elif start < end:
            found = buffer[start:end].tobytes()
        else:
            found = buffer[start : places * size].tobytes() + buffer[:end].tobytes()
        shared.trace_count = shared.trace_full = 0
        return found

    def _finish(self, buffer: memoryview, context: Context, state: ProcessorState) -> None:
        """Note the result of a processor's last instruction."""
        pending, context.trace_pending = context.trace_pending, 0
        places = self._shared.trace_places + 1
        if pending and self._shared.trace_count - (pending - 1) < places:
            register = context.trace_register
            late = register == state.pending_load_register
            value = state.pending_load_value if late else state.gpr[register]
            at = (pending - 1) % places * RECORD.size + VALUE
            buffer[at : at + 4] = value.to_bytes(4, sys.byteorder)

    def _decode_anew(self) -> None:
        """Every entry takes note of what is traced."""
        raise NotImplementedError


def _bits(numbers: Iterable[int]) -> int:
    return sum(1 << number for number in numbers)
