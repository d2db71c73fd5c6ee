"""What happened when in a recorded run: how much of what, in stretches of virtual time."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from kseg import progress
from kseg.api.replay import Replay
from kseg.api.tracing import Part, RecordBatch, TraceEvent
from kseg.engine.tracing import USER, TraceKind, TraceRecord, unpack
from kseg.isa.exceptions import ExceptionCode
from kseg.machine.input_history import Input
from kseg.memory.pages import PAGE_SIZE
from kseg.monitor.observer import Observer
from kseg.monitor.stop import Stop

MOST_STRETCHES = 4096
FIRST_STRETCH = 1 << 17
"""ns; when there come to be too many, two become one."""

LANES = (
    "executing",
    "system calls",
    "TLB exceptions",
    "other exceptions",
    "interrupts",
    "context switches",
    "disk",
    "console output",
    "console input",
)
"""What is counted: thousands of cycles for the first, bytes for the last two, events otherwise."""

MOST_NESTED = 64
"""Exceptions in exceptions that are kept in mind for each processor."""

_TLB = (ExceptionCode.TLB_MODIFIED, ExceptionCode.TLB_LOAD, ExceptionCode.TLB_STORE)


@dataclass(frozen=True, slots=True)
class Moment:
    """Something at a cycle, and a virtual time in ns."""

    cycle: int
    time: int
    kind: str
    """"output" or "input" (a line of it, when it is complete), "marker", "keyframe"."""
    text: str


@dataclass
class Timeline:
    """`lanes[name][n]` is how much of it there was in stretch number n, each of `stretch` ns."""

    stretch: int = FIRST_STRETCH
    lanes: dict[str, list[int]] = field(default_factory=lambda: {name: [] for name in LANES})
    exceptions: Counter[str] = field(default_factory=Counter)
    """By the names of their codes."""
    moments: list[Moment] = field(default_factory=list)
    """In order."""
    cycle: int = 0
    time: int = 0
    """At the end; ns."""

    def count(self, lane: str, time: int, amount: int = 1) -> None:
        """Some more of it, at virtual time `time`."""
        index = time // self.stretch
        while index >= MOST_STRETCHES:
            self._halve()
            index = time // self.stretch
        counts = self.lanes[lane]
        if index >= len(counts):
            counts.extend([0] * (index + 1 - len(counts)))
        counts[index] += amount

    def _halve(self) -> None:
        self.stretch *= 2
        for name, counts in self.lanes.items():
            odd = [*counts[1::2], 0] if len(counts) % 2 else counts[1::2]
            self.lanes[name] = [a + b for a, b in zip(counts[::2], odd, strict=True)]

    def columns(self, lane: str, number: int) -> list[int]:
        """A lane in so many stretches of equal length from time 0 to the end, or nearly so."""
        found = [0] * number
        stretches = max(-(-self.time // self.stretch), 1)
        for index, amount in enumerate(self.lanes[lane]):
            found[min(index * number // stretches, number - 1)] += amount
        return found


def timeline(replay: Replay) -> Timeline:
    """Repeat a run to its end, and see what happens. DivergenceError as ever."""
    return _Watcher(replay).run()


class _Watcher(Observer):
    """Follows a machine that repeats a run."""

    def __init__(self, replay: Replay) -> None:
        self._replay, self._machine = replay, replay.machine
        self._found = Timeline()
        self._line = bytearray()
        self._typed = bytearray()
        self._stacks: dict[int, list[int]] = {}
        """Of each processor: the stack pointers with which exceptions came."""
        self._kernel_stacks: dict[int, int] = {}
        """Of each processor: the page of its stack when an exception came in kernel mode."""
        self._busy = 0, 0
        """Cycles that were executed, and virtual time, when that was looked at."""
        self._next = 0

    # As an observer of the machine, it looks now and then how much was executed.

    each_character = True

    @property
    def next_cycle(self) -> int | None:
        return self._next

    def stopped(self, stop: Stop) -> None:  # noqa: ARG002
        self._look()

    def _look(self) -> None:
        machine = self._machine
        idle, now = machine.board.clock.idle_cycles, machine.board.clock.now
        executed = machine.cycles - idle
        before, since = self._busy
        if executed > before:
            self._spread((executed - before) // 1000, since, now)
        self._busy = executed, now
        done = progress.share(machine.cycles, self._replay.log.last_cycle)
        progress.report(f"repeating the run: {done}")
        cycle = machine.board.time_model.nanoseconds_per_cycle
        self._next = machine.cycles + max(self._found.stretch // cycle, 250_000)

    def _spread(self, amount: int, since: int, until: int) -> None:
        """Count an amount that has come evenly between two times."""
        step = max(self._found.stretch, (until - since) // 64, 1)
        times = range(since, max(until, since + 1), step)
        for number, time in enumerate(times):
            share = amount * (number + 1) // len(times) - amount * number // len(times)
            self._found.count("executing", time, share)

    def run(self) -> Timeline:
        machine, found = self._machine, self._found
        self._busy = machine.cycles - machine.board.clock.idle_cycles, machine.board.clock.now
        machine.board.input_port.recorders.append(self._came_in)
        try:
            kinds = ("exception", "interrupt", "return", "address-space", "disk")
            with machine.observers.added(self), machine.trace(*kinds, receive=self._happened):
                machine.run()
            self._look()
        finally:
            machine.board.input_port.recorders.remove(self._came_in)
        self._end_line()
        self._take("input", self._typed)
        found.cycle, found.time = machine.cycles, machine.board.clock.now
        found.moments += self._logged()
        found.moments.sort(key=lambda each: (each.cycle, each.time))
        return found

    def _logged(self) -> Iterator[Moment]:
        """What the log itself marks."""
        log = self._replay.log
        for number, keyframe in enumerate(log.keyframes):
            time = keyframe.snapshot.header.origin.time
            yield Moment(keyframe.cycle, time, "keyframe", f"keyframe {number}")
        for marker in log.markers:
            yield Moment(marker.cycle, marker.time, "marker", marker.text)

    # The console.

    def _here(self, kind: str, data: bytes) -> Moment:
        machine = self._machine
        text = data.decode("utf-8", "replace")
        return Moment(machine.engine.clock, machine.board.clock.now, kind, text)

    def printed(self, data: bytes) -> None:
        self._found.count("console output", self._machine.board.clock.now, len(data))
        self._line += data
        if self._line.endswith(b"\n"):
            self._end_line()

    def _end_line(self) -> None:
        self._take("output", self._line)

    def _take(self, kind: str, line: bytearray) -> None:
        data = bytes(line).strip(b"\r\n")
        line.clear()
        if data:
            self._found.moments.append(self._here(kind, data))

    def _came_in(self, item: object) -> None:
        if isinstance(item, Input) and item.channel == "console":
            self._found.count("console input", item.time, len(item.data))
            self._typed += item.data
            if self._typed.endswith((b"\r", b"\n")):
                self._take("input", self._typed)

    # Events.

    def _happened(self, part: Part) -> None:
        if isinstance(part, TraceEvent):
            self._found.count("disk", part.time)
        else:
            self._recorded(part)

    def _recorded(self, batch: RecordBatch) -> None:
        count = self._found.count
        for record in unpack(batch.records):
            time = max(batch.time(record.cycle), 0)
            kind = record.kind
            stack = self._stacks.setdefault(record.processor, [])
            if kind == TraceKind.RETURN:
                if self._returns_elsewhere(stack, record.second):
                    self._switched(record, time)
                continue
            if kind == TraceKind.ADDRESS_SPACE:
                self._switched(record, time)
                continue
            if not record.flags & USER:
                self._in_kernel(record, time)
            stack.append(record.fourth)
            del stack[:-MOST_NESTED]
            if kind == TraceKind.INTERRUPT:
                count("interrupts", time)
                continue
            code = record.first >> 2 & 31
            self._found.exceptions[_name(code)] += 1
            if code == ExceptionCode.SYSTEM_CALL:
                count("system calls", time)
            else:
                count("TLB exceptions" if code in _TLB else "other exceptions", time)

    def _switched(self, record: TraceRecord, time: int) -> None:
        """A processor goes on with something else. Whatever else would tell so does not count."""
        self._found.count("context switches", time)
        self._stacks[record.processor].clear()
        self._kernel_stacks.pop(record.processor, None)

    def _in_kernel(self, record: TraceRecord, time: int) -> None:
        """An exception has come in kernel mode: on the same stack as the last one?"""
        page = record.fourth // PAGE_SIZE
        known = self._kernel_stacks.get(record.processor, page)
        if known != page:
            self._switched(record, time)
        self._kernel_stacks[record.processor] = page

    @staticmethod
    def _returns_elsewhere(stack: list[int], pointer: int) -> bool:
        """Whether a return from an exception, to a stack pointer, is not to where the last one
        came from."""
        return bool(stack) and stack.pop() != pointer


def _name(code: int) -> str:
    try:
        return ExceptionCode(code).name.lower().replace("_", " ")
    except ValueError:
        return f"code {code}"
