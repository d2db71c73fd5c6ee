"""The report on a guest that has failed: what a person would ask a debugger first.

`report` looks at a machine that stands, and changes nothing.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from kseg import kernels
from kseg.inspection.machine import InspectedMachine
from kseg.isa import registers as r
from kseg.isa.exceptions import DESCRIPTIONS, MNEMONICS
from kseg.kernels.contract import GuestThreads
from kseg.machine.clock import SECOND
from kseg.monitor.stop import Stop, StopReason
from kseg.symbols.executable import SymbolError
from kseg.symbols.symbol_table import Symbols
from kseg.unwind.backtrace import Backtrace, Frame, backtrace, exception_of
from kseg.unwind.guest_memory import GuestMemory

MOST_LINES = 40
FRAMES = 14
"""Frames that are shown of the processor that the report is about, and of others at most."""
MOST_EXCEPTIONS = 8


_OF_ONE_PROCESSOR = frozenset(
    [StopReason.FATAL, StopReason.BREAK, StopReason.BREAKPOINT, StopReason.WATCHPOINT]
)


class FrameReport(msgspec.Struct, frozen=True):
    """One frame of a back-trace: see `kseg.unwind.backtrace.Frame`."""

    pc: int
    function: str
    offset: int
    file: str
    line: int
    interrupted: bool
    user: bool


class LastException(msgspec.Struct, frozen=True):
    """The last exception that a processor took, as CP0 has it."""

    name: str
    epc: int
    at: str
    bad_address: int
    in_delay_slot: bool


class ProcessorReport(msgspec.Struct, frozen=True):
    """One processor. `trace` is the back-trace, `trace_end` why it ended before its end;
    `exceptions` says how many were taken, by name."""

    number: int
    condition: str
    user: bool
    pc: int
    at: str
    registers: dict[str, int]
    trace: list[FrameReport]
    trace_end: str
    last_exception: LastException | None
    exceptions: dict[str, int]
    trace_text: list[str]


class Report(msgspec.Struct, frozen=True):
    """A machine that stands. `print` shows it in at most 40 lines; `data` is all of it as plain
    data. `processors` begins with the one that it is about; `threads` are those of the guest's
    kernel, where kseg knows it, and `findings` what is wrong with them."""

    reason: str
    message: str
    cycles: int
    seconds: float
    processors: list[ProcessorReport]
    last_exceptions: list[str]
    replay: str
    findings: list[str] = []
    threads: list[dict[str, Any]] = []
    threads_text: list[str] = []

    def data(self) -> dict[str, Any]:
        """Dictionaries, lists, texts and numbers."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        for processor in found["processors"]:
            del processor["trace_text"]
        del found["threads_text"]
        return found

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self, most: int = MOST_LINES, *, with_message: bool = True) -> list[str]:
        """The report as text, at most so many lines. `with_message`: what `message` says is still
        to be said."""
        said = self.message and with_message
        reason = f"{self.reason}: {self.message}" if said else self.reason
        head = [f"{reason}, after {self.cycles} cycles ({self.seconds:.6f} s)"]
        first, *others = self.processors
        head += self.findings
        head += [_title(first), *_registers(first.registers)]
        tail = [f"last exceptions: {each}" for each in self.last_exceptions[-MOST_EXCEPTIONS:]]
        if self.replay:
            tail.append(f"to see it again: {self.replay}")
        lines = [*head, *_last(first), *_trace(first, FRAMES + 2)]
        room = most - len(lines) - len(tail)
        for number, other in enumerate(others):
            # A title, and a line for what is left out.
            more = [_title(other), *_trace(other, max(room // len(others) - 2, 1))]
            if len(lines) + len(more) + len(tail) >= most:
                lines.append(f"({len(others) - number} more processors)")
                break
            lines += more
        lines += self.threads_text
        return [*lines[: most - len(tail)], *tail]


def report(
    machine: InspectedMachine,
    stop: Stop | None = None,
    *,
    symbols: Symbols | None = None,
    last_exceptions: Sequence[str] = (),
    replay: str = "",
) -> Report:
    """Look at a machine. `stop` is how it ended, and says which processor the report is about;
    `last_exceptions` are those that a trace has kept, a line each; `replay` is the command that
    lets the user see the run again."""
    number = machine.board.bus.asking_processor
    if stop is not None and stop.reason in _OF_ONE_PROCESSOR:
        number = stop.processor
    processors = list(machine.processors)
    order = [number, *(n for n in range(len(processors)) if n != number)]
    names = symbols or Symbols([])
    message = "" if stop is None else stop.message
    if stop is not None and stop.reason is StopReason.POWER_OFF and stop.exit_code:
        message += " after it had asked for a debugger"
    threads = _threads(machine, names)
    return Report(
        reason="the machine stands" if stop is None else str(stop.reason.value),
        message=message,
        cycles=machine.engine.clock,
        seconds=machine.board.clock.now / SECOND,
        processors=[_processor(machine, n, backtrace(machine, n, names), names) for n in order],
        last_exceptions=list(last_exceptions),
        replay=replay,
        findings=threads.findings,
        threads=threads.data()["threads"],
        threads_text=threads.summary()[len(threads.findings) :],
    )


def _threads(machine: InspectedMachine, symbols: Symbols) -> GuestThreads:
    """Those of the guest's kernel; none where it is not known."""
    try:
        return kernels.guest_threads(machine, symbols)
    except SymbolError:
        return GuestThreads("", [], [])


def _processor(
    machine: InspectedMachine, number: int, trace: Backtrace, symbols: Symbols
) -> ProcessorReport:
    processor, memory = machine.processors[number], GuestMemory(machine, number).read
    state, registers = processor.state, processor.registers
    taken = {name: int(state.exceptions[code]) for code, name in enumerate(DESCRIPTIONS)}
    last = None
    if sum(taken.values()):
        cause, epc, bad_vaddr = exception_of(state)
        code = cause >> r.CAUSE_CODE_SHIFT & 0x1F
        in_slot = bool(cause & r.CAUSE_BD)
        last = LastException(
            name=DESCRIPTIONS[code] if code < len(DESCRIPTIONS) else f"exception {code}",
            epc=epc,
            at=symbols.describe(epc, memory),
            bad_address=bad_vaddr,
            in_delay_slot=in_slot,
        )
    return ProcessorReport(
        number=number,
        condition=processor.condition,
        user=processor.in_user_mode,
        pc=state.pc,
        at=str(trace.frames[0].location or ""),
        registers={str(name): registers[name] for name in registers},
        trace=[_frame(frame) for frame in trace.frames],
        trace_end=trace.end,
        last_exception=last,
        exceptions={name: count for name, count in taken.items() if count},
        trace_text=trace.lines(FRAMES),
    )


def _frame(frame: Frame) -> FrameReport:
    at = frame.location
    return FrameReport(
        pc=frame.pc,
        function=at.symbol.name if at else "",
        offset=at.offset if at else 0,
        file=at.line.file if at and at.line else "",
        line=at.line.number if at and at.line else 0,
        interrupted=frame.interrupted,
        user=frame.user,
    )


def _title(processor: ProcessorReport) -> str:
    mode = "user" if processor.user else "kernel"
    at = f" {processor.at}" if processor.at else ""
    return (
        f"CPU {processor.number}: {processor.condition}, {mode} mode, pc {processor.pc:#010x}{at}"
    )


_CONTROL = ("hi", "lo", "status", "cause", "epc", "badvaddr", "context", "entryhi")


def _registers(registers: dict[str, int]) -> list[str]:
    """Eight rows of general registers, without the zero, and one of the others."""
    general = [f"{name:>4} {registers[name]:08x}" for name in r.GPR_NAMES]
    rows = ["  ".join(general[start : start + 8]) for start in range(0, 32, 8)]
    control = [f"{name} {registers[name]:08x}" for name in _CONTROL]
    return [*rows, "  " + "  ".join(control[:5]), "  " + "  ".join(control[5:])]


def _last(processor: ProcessorReport) -> list[str]:
    last = processor.last_exception
    if last is None:
        return ["no exception so far"]
    where = f"{last.at} in the delay slot" if last.in_delay_slot else last.at
    number = f"{last.epc:#010x}"
    at = number if last.at == number else f"{number} {where}"
    counts = ", ".join(
        f"{MNEMONICS[DESCRIPTIONS.index(name)]} {count}"
        for name, count in processor.exceptions.items()
    )
    return [
        f"last exception: {last.name}, at {at}, bad address {last.bad_address:#010x}",
        f"exceptions taken: {counts}",
    ]


def _trace(processor: ProcessorReport, most: int) -> list[str]:
    lines = processor.trace_text
    return lines if len(lines) <= most + 1 else [*lines[:most], "    ..."]
