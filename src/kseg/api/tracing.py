"""`Trace`: what a machine executed, and what its devices did, as a stream of events."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace

from kseg import checks
from kseg.checks import ArgumentError
from kseg.engine.tracing import (
    ASIDS,
    CYCLES,
    DELAY_SLOT,
    MOST_RANGES,
    MOST_RECORDS,
    PROCESSORS,
    RECORD,
    TRAPPED,
    USER,
    TraceFilter,
    TraceKind,
    TraceRecord,
    unpack,
)
from kseg.errors import KsegError
from kseg.machine.board import Board
from kseg.monitor.observer import Observer
from kseg.monitor.run_loop import RunLoop

if TYPE_CHECKING:
    from kseg.api.system_calls import SystemCall, SystemCalls

RANGES = "a list of ranges, each a first and a last address"
BATCH = 1 << 15
"""Events of the engine that are taken at a time."""

ENGINE_KINDS = {
    "instruction": TraceKind.INSTRUCTION,
    "jump": TraceKind.JUMP,
    "exception": TraceKind.EXCEPTION,
    "return": TraceKind.RETURN,
    "interrupt": TraceKind.INTERRUPT,
    "tlb": TraceKind.TLB,
    "address-space": TraceKind.ADDRESS_SPACE,
}
"""What the engine records, by name."""
DEVICE_KINDS = ("disk", "nic", "emufs", "line")
"""What devices tell of themselves; the last is the request lines of all of them."""
SYSTEM_CALL = "syscall"
"""System calls and their returns, by name: see `kseg.api.system_calls`."""
KINDS = (*ENGINE_KINDS, SYSTEM_CALL, *DEVICE_KINDS)
"""Every kind of event."""

NAMES = {int(kind): name for name, kind in ENGINE_KINDS.items()}


class TraceEvent(NamedTuple):
    """One thing that happened.

    `cycle` and `time` (virtual ns) are those of the instruction concerned, or of the interrupt.
    `values` are words, as `kseg.engine.tracing.TraceKind` says for each kind. Events of devices
    have a `text` and a `slot`, or, where a processor's lines change, its number; the values of
    "line" are levels: of the slot's line, or of the processor's lines (`Board.line_names`); with
    neither slot nor processor, all processors wait.
    """

    cycle: int
    time: int
    kind: str
    processor: int = -1
    pc: int = 0
    word: int = 0
    values: tuple[int, ...] = ()
    user: bool = False
    in_delay_slot: bool = False
    completed: bool = True
    """False for an instruction that raised an exception."""
    asid: int = 0
    slot: int = -1
    text: str = ""
    call: "SystemCall | None" = None
    """Of "syscall": what was called, or came back."""


class RecordBatch(NamedTuple):
    """Events of the engine: records one after the other, the virtual time of cycle 0, and how long
    a cycle is, in ns."""

    records: bytes
    origin: int
    cycle_length: int

    def time(self, cycle: int) -> int:
        """The virtual time of a cycle."""
        return self.origin + cycle * self.cycle_length

    def __repr__(self) -> str:
        return f"<RecordBatch: {len(self.records) // RECORD.size} events>"


Part = RecordBatch | TraceEvent
"""Of a stream: many events of the engine, or one of a device, or a system call."""


def events(parts: Iterable[Part]) -> Iterator[TraceEvent]:
    """Parts of a stream, event for event."""
    for part in parts:
        if isinstance(part, TraceEvent):
            yield part
            continue
        for record in unpack(part.records):
            yield TraceEvent(
                record.cycle,
                part.time(record.cycle),
                NAMES[record.kind],
                record.processor,
                record.pc,
                record.word,
                record[3:8],
                bool(record.flags & USER),
                bool(record.flags & DELAY_SLOT),
                not record.flags & TRAPPED,
                record.asid,
            )


def filter_for(
    kinds: Sequence[str],
    *,
    kernel: bool = True,
    user: bool = True,
    processors: Iterable[int] | None = None,
    addresses: Iterable[tuple[int, int]] = (),
    asids: Iterable[int] | None = None,
    from_cycle: int = 0,
    to_cycle: int | None = None,
) -> TraceFilter:
    """What the engine is to record for the arguments of `Machine.trace`; ArgumentError for what
    they cannot be."""
    for kind in kinds:
        if not isinstance(kind, str) or kind not in KINDS:
            raise ArgumentError(f"no events {checks.shown(kind)}; there are: {', '.join(KINDS)}")
    wanted = frozenset(ENGINE_KINDS[kind] for kind in kinds if kind in ENGINE_KINDS)
    return TraceFilter(
        kernel=wanted if checks.flag("kernel", kernel) else frozenset(),
        user=wanted if checks.flag("user", user) else frozenset(),
        processors=_numbers("processors", processors, PROCESSORS),
        ranges=_ranges(addresses),
        asids=_numbers("asids", asids, ASIDS),
        first_cycle=checks.whole("from_cycle", from_cycle, 0, CYCLES),
        last_cycle=CYCLES if to_cycle is None else checks.whole("to_cycle", to_cycle, 0, CYCLES),
        capacity=BATCH,
    )


def _numbers(name: str, given: Any, count: int) -> frozenset[int] | None:
    if given is None:
        return None
    numbers = checks.several(name, given, "a list of numbers")
    return frozenset(checks.whole(name, number, 0, count - 1) for number in numbers)


def _ranges(given: Any) -> tuple[tuple[int, int], ...]:
    found = []
    for each in checks.several("addresses", given, RANGES):
        ends = checks.several("addresses", each, RANGES)
        if len(ends) != 2:
            raise checks.wrong("addresses", given, RANGES)
        first, last = (checks.address("addresses", end) for end in ends)
        if first > last:
            raise checks.wrong("addresses", each, "the first address first")
        found.append((first, last))
    if len(found) > MOST_RANGES:
        raise ArgumentError(f"addresses: {len(found)} ranges; give {MOST_RANGES} at most")
    return tuple(found)


class Trace(Observer):
    """A trace that is going on: see `kseg.Machine.trace`. It ends when it is closed."""

    def __init__(
        self,
        monitor: RunLoop,
        board: Board,
        wanted: TraceFilter,
        devices: Iterable[str] = (),
        *,
        last: int | None = None,
        most: int | None = None,
        receive: Callable[[Part], None] | None = None,
        calls: "SystemCalls | None" = None,
    ) -> None:
        """`wanted` is for the engine, `devices` names kinds of device events; `calls` finds system
        calls in the records, and then says what the engine is to record. Keep the `last` events
        only, or stop after `most`. `receive` gets the stream, part for part, as it comes;
        else it is kept. KsegError where the machine is traced already."""
        if any(isinstance(each, Trace) for each in monitor.observers):
            raise KsegError("the machine is being traced already; close that trace first")
        for name, limit in (("last", last), ("most", most)):
            if limit is not None:
                checks.whole(name, limit, 1, MOST_RECORDS)
        receive = checks.function("receive", receive)
        if board.run_lock.closed:
            board.run_lock.check()
        self._monitor, self._board = monitor, board
        self._last, self._left, self._receive = last, most, receive
        self._parts: deque[Part] = deque()
        self._count = 0
        self._deferred: list[TraceEvent] = []
        self._calls = calls
        self._engine = monitor.engine
        self._cycle_length = board.time_model.nanoseconds_per_cycle
        self._origin = self._present_origin
        self._set(wanted, devices)
        monitor.observers.add(self)

    def _set(self, wanted: TraceFilter, devices: Iterable[str]) -> None:
        if self._last is not None:
            wanted = replace(wanted, capacity=self._last, keep_last=True)
        elif self._left is not None:
            wanted = replace(wanted, capacity=max(1, min(self._left, wanted.capacity)))
        self._engine.set_trace(wanted)
        self._wanted, self._devices = wanted, frozenset(devices)
        self._board.device_trace = self._note if self._devices - {"line"} else None
        lines = self._board.bus.lines
        lines.line_trace = self._note_line if "line" in self._devices else None
        lines.processor_line_trace = self._note_processor if "line" in self._devices else None

    def change(self, wanted: TraceFilter, devices: Iterable[str]) -> None:
        """Trace something else from now on."""
        self._board.run_lock.check_thread()
        self._take_records()
        self._set(wanted, devices)

    def close(self) -> None:
        """End the trace; events that were not taken can still be."""
        if self in self._monitor.observers:
            self._board.run_lock.check_thread()
            self._take_records()
            self._add_deferred()
            self._stop()
            self._monitor.observers.remove(self)

    def __enter__(self) -> "Trace":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _stop(self) -> None:
        """Record nothing any more: the machine runs as if it were not traced."""
        self._set(TraceFilter(kernel=frozenset(), user=frozenset()), ())

    # As an observer of the machine.

    def records_wait(self) -> None:
        moved = self._origin != self._present_origin
        if self._last is None or self._calls is not None or moved:
            self._take_records()
            self._origin = self._present_origin

    def all_wait(self) -> None:
        if "line" in self._devices:
            self._add_event(TraceEvent(*self._now, "line", text="every processor waits"))

    def state_loaded(self) -> None:
        self._take_records()
        if self._calls is not None:
            self._calls.forget()
        self._engine = self._monitor.engine
        self._engine.set_trace(self._wanted)
        self._origin = self._present_origin

    @property
    def _present_origin(self) -> int:
        """The virtual time that cycle 0 would have had, if time had not jumped since."""
        return self._board.clock.now - self._monitor.engine.clock * self._cycle_length

    # The stream.

    def take(self) -> list[TraceEvent]:
        """The events since the last time, oldest first."""
        return list(events(self.take_parts()))

    def take_parts(self) -> list[Part]:
        """The same, in parts: the engine's records as bytes."""
        self._board.run_lock.check_thread()
        if self in self._monitor.observers:
            self._take_records()
        self._add_deferred()
        parts = list(self._parts)
        self._parts.clear()
        self._count = 0
        return parts if self._last is None else _last_of(parts, self._last)

    def _take_records(self) -> None:
        records = self._engine.take_trace()
        if not records:
            return
        if self._deferred:
            first = TraceRecord._make(RECORD.unpack_from(records))
            cycle = self._deferred[0].cycle
            if (first.kind, first.cycle) == (TraceKind.INSTRUCTION, cycle):
                self._add_records(records[: RECORD.size])
                records = records[RECORD.size :]
            self._add_deferred()
        if records:
            self._add_records(records)

    def _add_records(self, records: bytes) -> None:
        if self._calls is None:
            self._add(self._batch(records))
            return
        kept = bytearray()
        for start in range(0, len(records), RECORD.size):
            record = TraceRecord._make(RECORD.unpack_from(records, start))
            if self._calls.is_asked_for(record):
                kept += records[start : start + RECORD.size]
            crossing = self._calls.crossing(record)
            if crossing is not None:
                if kept:
                    self._add(self._batch(bytes(kept)))
                    kept.clear()
                self._add(crossing.event(self._batch(b"").time(record.cycle)))
        if kept:
            self._add(self._batch(bytes(kept)))

    def _batch(self, records: bytes) -> RecordBatch:
        return RecordBatch(records, self._origin, self._cycle_length)

    def _add_deferred(self) -> None:
        deferred, self._deferred = self._deferred, []
        for event in deferred:
            self._add(event)

    def _note(self, kind: str, slot: int, text: str) -> None:
        """A device tells of itself."""
        if kind in self._devices:
            event = TraceEvent(*self._now, kind, slot=slot, text=f"{kind}: slot {slot}: {text}")
            self._add_event(event)

    def _note_line(self, slot: int, level: bool) -> None:
        text = f"slot {slot}: interrupt request {'on' if level else 'off'}"
        self._add_event(TraceEvent(*self._now, "line", values=(level,), slot=slot, text=text))

    def _note_processor(self, number: int) -> None:
        lines = self._board.processors[number].interrupt_lines
        levels = {name: lines & line != 0 for line, name in self._board.line_names.items()}
        values = tuple(map(int, levels.values()))
        told = ", ".join(f"{name} {'on' if level else 'off'}" for name, level in levels.items())
        text = f"processor {number}: interrupt lines: {told}"
        self._add_event(TraceEvent(*self._now, "line", number, values=values, text=text))

    @property
    def _now(self) -> tuple[int, int]:
        return self._monitor.engine.clock, self._board.clock.now

    def _add_event(self, event: TraceEvent) -> None:
        if not self._wanted.first_cycle <= event.cycle <= self._wanted.last_cycle:
            return
        self._take_records()
        clock = self._board.clock
        if TraceKind.INSTRUCTION in self._wanted.kinds and clock.in_burst and not clock.jumping:
            # A device is being accessed. The record of the instruction that does it has yet to
            # come, and with the result; this belongs after it.
            self._deferred.append(event)
        else:
            self._add(event)

    def _add(self, part: Part) -> None:
        if self._left is not None:
            if self._left == 0:
                return
            if isinstance(part, RecordBatch):
                part = part._replace(records=part.records[: self._left * RECORD.size])
            self._left -= _length(part)
        if self._receive is not None and self._last is None:
            self._receive(part)
        else:
            self._parts.append(part)
            self._count += _length(part)
            # No more whole parts than hold the last events.
            while self._last and self._count - _length(self._parts[0]) >= self._last:
                self._count -= _length(self._parts.popleft())
        if self._left == 0:
            self._stop()


def _length(part: Part) -> int:
    """The number of events."""
    return 1 if isinstance(part, TraceEvent) else len(part.records) // RECORD.size


def _last_of(parts: list[Part], count: int) -> list[Part]:
    """The last events of a stream."""
    surplus = sum(map(_length, parts)) - count
    if surplus > 0 and isinstance(parts[0], RecordBatch):
        first = parts[0]._replace(records=parts[0].records[surplus * RECORD.size :])
        return [first, *parts[1:]]
    return parts
