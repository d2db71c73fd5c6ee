"""Access sites: where threads touch what other threads touch, too: found by tracing a run.

A race needs a thread to be taken off the processor between two accesses to words that others use.
So every instruction of a run, or of parts of a long one, is looked at: which words are loaded and
stored by several threads, with a store among them? After each access to such a word, where
interrupts are enabled next, is an *access site*; the same instruction, called from elsewhere, is
another one. What is found depends on the runs alone.

Threads are told apart by their stacks: no kernel has to be known. Stack switches are loads of the
stack pointer, and moves to it, that lead far away.
"""

from collections import defaultdict
from collections.abc import Iterable
from enum import IntEnum
from itertools import compress
from operator import sub
from typing import NamedTuple

from kseg.api.tracing import Part, RecordBatch
from kseg.engine.tracing import RECORD, USER, TraceKind

MOST_POINTS = 64
"""Of a site, that are kept of a run."""
OFTEN = 4
"""Points that a site has in some run to be more than one of the `OTHERS`."""
CALLERS, CALLERS_OF_LOCKS = 3, 6
"""Return addresses that tell calls of the same code apart; where interrupts are enabled again, the
first of them are in code that does nothing else."""
DEEPEST = 64
NEAR = 1536
"""Bytes from one stack pointer to the next on the same stack."""
STACK_SHIFT = 11
"""Stacks lie in different pieces of so many bits of addresses, when they are entered first."""


class SiteKind(IntEnum):
    """What an access site is about."""

    LOADS = 0
    """A word that several threads use at the same time has been loaded, with interrupts enabled:
    when the thread goes on, it may have another value."""
    LOCKS = 1
    """Such words were touched with interrupts disabled, as locks do; they are enabled again."""
    STORES = 2
    """Such a word has been stored to, with interrupts enabled."""
    OTHERS = 3
    """Words that one thread has prepared for another, and sites where a run seldom comes."""


class Point(NamedTuple):
    """After so many busy cycles of a run, a processor is at an access site. `run` is the number of
    the run: each begins with preemptions of its own."""

    at: int
    processor: int
    run: int = 0


class AccessSite(NamedTuple):
    """An instruction, by its callers, before which a thread has just touched a word that others
    touch. `points` are some of the times at which runs came there, `threads` the pairs of threads
    that touch the words."""

    pc: int
    callers: tuple[int, ...]
    kind: SiteKind
    points: list[Point]
    threads: frozenset[tuple[int, int]]


_LOADS, _STORES = frozenset([*range(0x20, 0x27), 0x30]), frozenset([*range(0x28, 0x2F), 0x38])
_SPECIAL, _JAL, _COP0, _LW = 0, 3, 0x10, 0x23
_JR, _JALR = 8, 9
_SP, _RA, _STATUS = 29, 31, 12
_WAIT = 0x42000020
_MTC0_STATUS = 0x40806000
_ENABLED, _LINES = 1, 0xFF00

# Which records are looked at: bits by the bytes of the instruction word, and by the kind.
_BY_OPCODE = bytes(
    1 if major in _LOADS | _STORES | {_JAL, _COP0} else 2 if major == _SPECIAL else 0
    for major in (byte >> 2 for byte in range(256))
)
_BY_DESTINATION = bytes(4 if byte >> 3 == _SP else 0 for byte in range(256))
_BY_FUNCTION = bytes(8 if byte & 63 in (_JR, _JALR) else 0 for byte in range(256))
_BY_KIND = bytes(16 if byte else 0 for byte in range(256))
_WANTED = bytes(bool(byte & 17 or (byte & 2 and byte & 12)) for byte in range(256))
_KIND_AT, _WORD_AT = 36, 12


class _Use:
    """How a thread uses a word: when it touched it first and last, and stored to it last."""

    __slots__ = ("first", "last", "last_store")

    def __init__(self, first: int) -> None:
        self.first = self.last = first
        self.last_store = -1


class _Word(dict[int, _Use]):
    """How a word of memory is used, by thread."""

    __slots__ = ()

    def touch(self, thread: int, at: int, stores: bool) -> None:
        use = self.get(thread)
        if use is None:
            use = self[thread] = _Use(at)
        use.last = at
        if stores:
            use.last_store = at

    def is_contested(self, thread: int, at: int) -> bool:
        """Whether another thread stores to it later, and before this one is done with it: neither
        of them has prepared it for the other."""
        last = self[thread].last
        return any(
            at < use.last_store and use.first < last
            for other, use in self.items()
            if other != thread
        )

    @property
    def is_shared(self) -> bool:
        """Whether it is several threads', and not only to read."""
        return len(self) > 1 and any(use.last_store >= 0 for use in self.values())


_Key = tuple[int, tuple[int, ...], SiteKind]
"""Address, callers, and what it is about if its words are contested."""


class _Touch(NamedTuple):
    """An access to a word, and the site at which its thread can be preempted next."""

    word: int
    site: _Key
    point: Point
    thread: int


class _Thread:
    """What is known of the thread of a stack."""

    __slots__ = ("calls", "number", "pending")

    def __init__(self, number: int) -> None:
        self.number = number
        self.calls: list[int] = []
        self.pending: list[int] = []
        """Words that it has touched since interrupts were disabled."""


class _Processor:
    """What a processor is doing."""

    __slots__ = ("enabled", "sp", "thread", "waits")

    def __init__(self, thread: _Thread) -> None:
        self.thread = thread
        self.sp = 0
        self.enabled = False
        self.waits = False


class Sharing:
    """What a trace of a run says about shared words."""

    def __init__(self, run: int = 0) -> None:
        self._run = run
        self._words: defaultdict[int, _Word] = defaultdict(_Word)
        self._touches: list[_Touch] = []
        self._threads: dict[int, _Thread] = {}
        self._saved: dict[int, _Thread] = {}
        self._processors: dict[int, _Processor] = {}
        self._last_cycle = -1
        self.idle = 0
        """Cycles so far in which no processor executed anything."""

    def begin(self, idle: int, statuses: Iterable[tuple[int, int, int]]) -> None:
        """A part of the run begins: after so many idle cycles, with (Status, stack pointer, waits)
        of the processors."""
        self.idle, self._last_cycle = idle, -1
        self._processors.clear()
        self._saved.clear()
        for each in self._threads.values():
            each.calls.clear()
            each.pending.clear()
        for number, (status, sp, waits) in enumerate(statuses):
            processor = _Processor(self._thread_at(sp))
            processor.sp, processor.waits = sp, bool(waits)
            processor.enabled = bool(status & _ENABLED and status & _LINES)
            self._processors[number] = processor

    def take(self, part: Part) -> None:
        """Take in a part of a trace."""
        if isinstance(part, RecordBatch) and part.records:
            self._take(part.records)

    def _take(self, records: bytes) -> None:
        size = RECORD.size
        count = len(records) // size
        word = (records[_WORD_AT + number :: size] for number in range(4))
        function, destination, _, opcode = word
        wanted = bytearray(
            _union(
                opcode.translate(_BY_OPCODE),
                destination.translate(_BY_DESTINATION),
                function.translate(_BY_FUNCTION),
                records[_KIND_AT::size].translate(_BY_KIND),
            ).translate(_WANTED)
        )
        cycles = memoryview(records).cast("Q")[:: size // 8].tolist()
        before = [self._last_cycle if self._last_cycle >= 0 else cycles[0], *cycles]
        gaps = {index: gap for index, gap in enumerate(map(sub, cycles, before)) if gap > 1}
        for index in gaps:
            wanted[index] = 1
        self._last_cycle = cycles[-1]
        for index, record in compress(
            zip(range(count), RECORD.iter_unpack(records), strict=True), wanted
        ):
            if index in gaps and all(each.waits for each in self._processors.values()):
                self.idle += gaps[index] - 1
            self._look(record)

    def _look(self, record: tuple[int, ...]) -> None:
        cycle, pc, word, first, second, third, _, _, kind, number, flags, asid = record
        processor = self._processors[number]
        processor.waits = False
        if kind:
            if kind in (TraceKind.EXCEPTION, TraceKind.INTERRUPT):
                processor.enabled = False
            elif kind == TraceKind.RETURN and first & _ENABLED and first & _LINES:
                self._enable(processor, number, cycle + 1, pc)
            return
        major = word >> 26
        if major in _LOADS or major in _STORES:
            if word >> 21 & 31 == _SP:
                processor.sp = first
            else:
                address = first + ((word & 0xFFFF) ^ 0x8000) - 0x8000 & 0xFFFFFFFC
                self._access(processor, number, cycle, pc, address, major in _STORES, asid)
            if major == _LW and word >> 16 & 31 == _SP:
                self._move_stack(processor, third)
        elif major == _JAL:
            _call(processor.thread, pc + 8)
        elif major == _COP0:
            if word == _WAIT:
                processor.waits = True
            elif word & 0xFFE0FFFF == _MTC0_STATUS:
                enabled = bool(second & _ENABLED and second & _LINES) and not flags & USER
                if enabled and not processor.enabled:
                    self._enable(processor, number, cycle + 1, pc + 4)
                processor.enabled = enabled
        elif word & 63 == _JALR and word >> 11 & 31:
            _call(processor.thread, pc + 8)
        elif word & 63 == _JR:
            if word >> 21 & 31 == _RA and processor.thread.calls:
                processor.thread.calls.pop()
        elif word >> 11 & 31 == _SP:
            self._move_stack(processor, third)

    def _access(
        self,
        processor: _Processor,
        number: int,
        cycle: int,
        pc: int,
        address: int,
        stores: bool,
        asid: int,
    ) -> None:
        if 0xA0000000 <= address < 0xC0000000:
            return  # Devices.
        key = address if address >= 0x80000000 else address | (asid + 1) << 32
        word, thread = self._words[key], processor.thread.number
        at = cycle - self.idle
        word.touch(thread, at, stores)
        if processor.enabled:
            kind = SiteKind.STORES if stores else SiteKind.LOADS
            site = pc + 4, tuple(processor.thread.calls[-CALLERS:]), kind
            self._touches.append(_Touch(key, site, Point(at + 1, number, self._run), thread))
        else:
            processor.thread.pending.append(key)

    def _enable(self, processor: _Processor, number: int, cycle: int, pc: int) -> None:
        """Interrupts are enabled from a cycle on."""
        processor.enabled = True
        if processor.thread.pending:
            site = pc, tuple(processor.thread.calls[-CALLERS_OF_LOCKS:]), SiteKind.LOCKS
            point = Point(cycle - self.idle, number, self._run)
            self._touches += [
                _Touch(key, site, point, processor.thread.number)
                for key in dict.fromkeys(processor.thread.pending)
            ]
            processor.thread.pending.clear()

    def _move_stack(self, processor: _Processor, sp: int) -> None:
        """The stack pointer has another value."""
        old, processor.sp = processor.sp, sp
        if abs(old - sp) < NEAR:
            return
        self._saved[old] = processor.thread
        processor.thread = self._saved.get(sp) or self._thread_at(sp)

    def _thread_at(self, sp: int) -> _Thread:
        found = self._threads.get(sp >> STACK_SHIFT)
        if found is None:
            found = self._threads[sp >> STACK_SHIFT] = _Thread(len(self._threads))
        return found

    def sites(self) -> list[AccessSite]:
        """Those that were found, in the order of their addresses."""
        found: defaultdict[_Key, _Found] = defaultdict(_Found)
        for touch in self._touches:
            word = self._words[touch.word]
            if word.is_shared:
                found[touch.site].add(touch, word)
        return [
            AccessSite(
                pc,
                callers,
                kind if each.contested else SiteKind.OTHERS,
                _some(list(each.points)),
                frozenset(each.threads),
            )
            for (pc, callers, kind), each in sorted(found.items())
        ]


class _Found:
    def __init__(self) -> None:
        self.points: dict[Point, None] = {}
        self.threads: set[tuple[int, int]] = set()
        self.contested = False

    def add(self, touch: _Touch, word: _Word) -> None:
        contested = word.is_contested(touch.thread, touch.point.at)
        if contested and not self.contested:
            self.contested = True
            self.points.clear()
            self.threads.clear()
        if contested or not self.contested:
            self.points[touch.point] = None
            here = touch.thread
            self.threads.update((min(here, n), max(here, n)) for n in word if n != here)


def _some(points: list[Point]) -> list[Point]:
    """Not too many, from the whole run."""
    step = -(-len(points) // MOST_POINTS)
    return points[::step]


def _call(thread: _Thread, back: int) -> None:
    thread.calls.append(back)
    if len(thread.calls) > DEEPEST:
        del thread.calls[0]


def _union(*columns: bytes) -> bytes:
    number = 0
    for column in columns:
        number |= int.from_bytes(column, "little")
    return number.to_bytes(len(columns[0]), "little")


def merged(runs: Iterable[Iterable[AccessSite]]) -> list[AccessSite]:
    """The sites of several runs, each once. What is contested in any run is so."""
    found: defaultdict[tuple[int, tuple[int, ...]], list[AccessSite]] = defaultdict(list)
    for sites in runs:
        for site in sites:
            found[site.pc, site.callers].append(site)
    result = []
    for (pc, callers), same in sorted(found.items()):
        kind = min(site.kind for site in same)
        best = [site for site in same if site.kind == kind]
        points = [point for site in best for point in site.points]
        threads = frozenset[tuple[int, int]]().union(*(site.threads for site in best))
        if all(len(site.points) < OFTEN for site in best):
            kind = SiteKind.OTHERS
        result.append(AccessSite(pc, callers, kind, points, threads))
    return result
