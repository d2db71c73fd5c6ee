"""System calls in a trace: what programs ask of the kernel, and what they are told.

The engine records exceptions of user mode and returns to it, and stops at those that matter here
(`TraceFilter.leave_at_calls`), with the registers that go over the border. A call and its return
are those of one thread where the kernel is known (`kseg.kernels`); else those with one stack
pointer and one place to go on at.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from kseg.api.tracing import SYSTEM_CALL, TraceEvent
from kseg.engine.tracing import USER, TraceFilter, TraceKind, TraceRecord
from kseg.isa import registers as r
from kseg.isa.exceptions import ExceptionCode
from kseg.isa.values import WORD
from kseg.kernels import aware, calls_of_kernel
from kseg.kernels.calls import A3, SP, V0, V1, Argument, Call, Calls, number_text
from kseg.kernels.calls import arguments as arguments_of
from kseg.kernels.contract import GuestThread, KernelAwareness
from kseg.memory.pages import PAGE_SIZE
from kseg.memory.physical import MemoryRangeError
from kseg.symbols.executable import SymbolError
from kseg.unwind.guest_memory import GuestMemory

if TYPE_CHECKING:
    from kseg.inspection.machine import InspectedMachine

MOST_PENDING = 4096
"""Calls that have not returned."""

Key = tuple[int, ...]


class SystemCall(NamedTuple):
    """A call, or its return (`returned`). `arguments` are shown as in C, `values` as numbers;
    `process` and `thread` are what the kernel calls them, where it is known. Of a return: `result`,
    or `error`, the number, with its name; `cycles` since the call, None where that was not
    seen."""

    number: int
    name: str
    arguments: tuple[str, ...] = ()
    values: tuple[int, ...] = ()
    process: str = ""
    process_number: int | None = None
    thread: str = ""
    returned: bool = False
    result: int = 0
    error: int = 0
    error_name: str = ""
    cycles: int | None = None
    result_text: str = ""

    @property
    def text(self) -> str:
        """In a line."""
        who = self.process or self.thread
        if self.process_number is not None:
            who += f" {self.process_number}"
        call = self.name
        if not self.returned or self.arguments:
            call += f"({', '.join(self.arguments)})"
        end = f" -> {self.result_text}" if self.returned else ""
        return f"{f'{who}: ' if who else ''}{call}{end}"


class Crossing(NamedTuple):
    """A record at which a program called, or went on, and what it means."""

    record: TraceRecord
    call: SystemCall
    pc: int

    def event(self, time: int) -> TraceEvent:
        """It as an event; `time` is that of its cycle."""
        return TraceEvent(
            self.record.cycle,
            time,
            SYSTEM_CALL,
            self.record.processor,
            self.pc,
            values=self.call.values,
            user=True,
            asid=self.record.asid,
            text=self.call.text,
            call=self.call,
        )


@dataclass(slots=True)
class _Pending:
    call: Call
    number: int
    cycle: int
    after: int
    arguments: list[Argument] = field(default_factory=list)
    registers: list[int] = field(default_factory=list)
    came_late: bool = False
    """Whether some of the arguments could be read only after the call."""

    @property
    def is_read(self) -> bool:
        return all(each.readable for each in self.arguments)


class SystemCalls:
    """Watches the system calls of one machine."""

    def __init__(self, machine: "InspectedMachine", wanted: TraceFilter) -> None:
        """`wanted` is what is traced besides, and says of which processors, address spaces, cycles,
        and instructions' addresses; and, of no system calls, whether of user mode at all."""
        self._machine, self._asked = machine, wanted
        self._aware: KernelAwareness | None = None
        self._calls: Calls
        try:
            self._aware = aware(machine, machine.symbols)
            self._calls = self._aware.calls
        except SymbolError:
            self._calls = calls_of_kernel(machine.symbols)
        self._pending: dict[Key, _Pending] = {}
        self._forks: set[int] = set()
        self._seen: set[Key] = set()
        self._unread: dict[Key, _Pending] = {}
        """Of those, some of whose texts are not mapped. The kernel is going to read them."""

    @property
    def filter(self) -> TraceFilter:
        """What the engine has to record: more than was asked for."""
        asked = self._asked
        return msgspec.structs.replace(
            asked,
            user=asked.user | {TraceKind.EXCEPTION},
            kernel=asked.kernel | {TraceKind.RETURN},
            ranges=(),
            leave_at_calls=True,
        )

    def forget(self) -> None:
        """The machine is in another state."""
        self._pending.clear()
        self._unread.clear()
        self._seen.clear()

    def is_asked_for(self, record: TraceRecord) -> bool:
        """Is a record one of those that the trace is to have besides?"""
        kinds = self._asked.user if record.flags & USER else self._asked.kernel
        return record.kind in kinds and self._is_here(record.pc)

    def _is_here(self, pc: int) -> bool:
        ranges = self._asked.ranges
        return not ranges or any(first <= pc <= last for first, last in ranges)

    def crossing(self, record: TraceRecord) -> Crossing | None:
        """What a record says of system calls; asked while the processor still stands there."""
        if record.kind == TraceKind.EXCEPTION and record.flags & USER:
            code = record.first >> r.CAUSE_CODE_SHIFT & 0x1F
            return self._called(record) if code == ExceptionCode.SYSTEM_CALL else None
        if record.kind == TraceKind.RETURN and record.first & r.STATUS_KUC:
            return self._returned(record)
        if record.kind == TraceKind.RETURN and self._unread:
            self._read_again(record.processor)
        return None

    def _called(self, record: TraceRecord) -> Crossing | None:
        if not self._is_here(record.pc):
            return None
        state = self._machine.processors[record.processor].state
        registers = list(map(int, state.gpr))
        number = registers[V0]
        call = self._calls.named(number)
        thread = self._thread(record.processor)
        after = record.pc + 4 & WORD
        given = self._arguments(record.processor, call, registers)
        if len(self._pending) >= MOST_PENDING:
            self._pending.clear()
            self._unread.clear()
        key = _key(thread, registers, after)
        made = _Pending(call, number, record.cycle, after, given, registers)
        self._pending[key] = made
        if thread is not None and not made.is_read:
            self._unread[key] = made
        self._seen.add(key)
        if call.name in ("fork", "vfork"):
            self._forks.add(after)
        elif call.name in ("_exit", "exit"):
            del self._pending[key]
            self._unread.pop(key, None)
            self._seen.discard(key)
        told = SystemCall(number, call.name, _texts(given), _values(given), *_who(thread))
        return Crossing(record, told, record.pc)

    def _returned(self, record: TraceRecord) -> Crossing | None:
        state = self._machine.processors[record.processor].state
        # An interrupt may have come at once.
        pc = state.pc if state.status & r.STATUS_KUC else state.epc
        registers = list(map(int, state.gpr))
        thread = self._thread(record.processor)
        key = _key(thread, registers, pc)
        pending = self._pending.pop(key, None)
        if pending is None:
            is_child = pc in self._forks and key not in self._seen and not registers[V0]
            if thread is None or not is_child or registers[A3]:
                return None
            self._seen.add(key)
            told = SystemCall(
                0, "fork", (), (), *_who(thread), returned=True, result_text="0, in the child"
            )
            return Crossing(record, told, pc)
        told = SystemCall(pending.number, pending.call.name, (), (), *_who(thread), returned=True)
        told = told._replace(cycles=record.cycle - pending.cycle)
        self._unread.pop(key, None)
        if not pending.is_read:
            self._try_again(record.processor, pending)
        if pending.came_late:
            given = pending.arguments
            told = told._replace(arguments=_texts(given), values=_values(given))
        if pc != pending.after:
            return Crossing(record, told._replace(result_text=f"goes on at {pc:#010x}"), pc)
        return Crossing(record, self._with_result(told, pending.call, registers), pc)

    def _read_again(self, processor: int) -> None:
        """The kernel goes on after an exception: what it missed may be mapped now."""
        thread = self._thread(processor)
        key = () if thread is None else (thread.address,)
        pending = self._unread.get(key)
        if pending is not None:
            self._try_again(processor, pending)
            if pending.is_read:
                del self._unread[key]

    def _try_again(self, processor: int, pending: _Pending) -> None:
        given = self._arguments(processor, pending.call, pending.registers)
        better = [
            new if new.readable else old for new, old in zip(given, pending.arguments, strict=True)
        ]
        if better != pending.arguments:
            pending.arguments, pending.came_late = better, True

    def _with_result(self, told: SystemCall, call: Call, registers: list[int]) -> SystemCall:
        error = self._calls.error(registers[V0], registers[A3])
        if error:
            name = self._calls.errors.get(error, "")
            text = f"error {error}" + (f" {name}" if name else "")
            return told._replace(error=error, error_name=name, result_text=text)
        result = registers[V0]
        if call.result == "q":
            result = result << 32 | registers[V1]
        return told._replace(result=result, result_text=number_text(result, call.result))

    def _thread(self, processor: int) -> GuestThread | None:
        return None if self._aware is None else self._aware.current(processor)

    def _arguments(self, processor: int, call: Call, registers: list[int]) -> list[Argument]:
        memory = GuestMemory(self._machine, processor)

        def read(address: int, length: int) -> bytes | None:
            if address >= r.KSEG0:
                return None
            found = memory.read(address, length)
            if found is None and self._aware is not None:
                found = self._read_by_tables(processor, address, length)
            return found

        def word(address: int) -> int | None:
            return memory.word(address) if address < r.KSEG0 else None

        return arguments_of(call, registers, read, word)

    def _read_by_tables(self, processor: int, address: int, length: int) -> bytes | None:
        """What the TLB has forgotten, but the kernel has not."""
        assert self._aware is not None
        place = self._aware.physical(processor, address)
        if place is None:
            return None
        try:
            within = min(length, PAGE_SIZE - place % PAGE_SIZE)
            return self._machine.board.memory.read(place, within)
        except MemoryRangeError:
            return None


def _key(thread: GuestThread | None, registers: list[int], after: int) -> Key:
    return (registers[SP], after) if thread is None else (thread.address,)


def _who(thread: GuestThread | None) -> tuple[str, int | None, str]:
    if thread is None:
        return "", None, ""
    return thread.process, thread.process_number, thread.name


def _texts(given: list[Argument]) -> tuple[str, ...]:
    return tuple(each.text for each in given)


def _values(given: list[Argument]) -> tuple[int, ...]:
    return tuple(each.value for each in given)
