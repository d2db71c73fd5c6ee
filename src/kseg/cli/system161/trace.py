"""System/161's traces: its letters, and its lines (observed; its manual, "Running System/161").

What differs on purpose: the TLB is not traced where it is only looked up (System/161 has a line for
every access to a mapped page), the on-chip timer's line is not traced, and an instruction that
waits for HI or LO has its line when it executes, not before.
"""

from typing import TYPE_CHECKING

from kseg.api.tracing import Part, Trace, TraceEvent
from kseg.boards.system161.state_dump import TRACES
from kseg.cli.trace_file import TraceFile
from kseg.engine.tracing import DELAY_SLOT, RECORD, REFILL, TRAPPED, TraceFilter, TraceKind
from kseg.errors import ConfigurationError
from kseg.isa import registers as r
from kseg.isa.values import WORD

if TYPE_CHECKING:
    from kseg.api.machine import Machine
    from kseg.cli.output import Output
    from kseg.cli.system161.trace_instructions import Instructions

INSTRUCTION_LETTERS = {"k": "kernel", "u": "user"}
KINDS = {
    "j": {TraceKind.JUMP},
    "t": {TraceKind.TLB},
    "x": {TraceKind.EXCEPTION, TraceKind.RETURN, TraceKind.INTERRUPT},
    "i": {TraceKind.INTERRUPT},
}
"""What the engine records for a letter, besides instructions."""
DEVICES = {"d": "disk", "n": "nic", "e": "emufs", "i": "line"}

EXCEPTIONS = (
    "interrupt", "TLB modify", "TLB miss - load", "TLB miss - store", "Address error - load",
    "Address error - store", "Bus error - code", "Bus error - data", "System call", "Breakpoint",
    "Illegal instruction", "Coprocessor unusable", "Arithmetic overflow",
)  # fmt: skip

BUS, PROCESSOR, TIMER, SOFT = 1 << 10, 1 << 11, r.TIMER_LINE, 0x300
ESCAPES = dict(zip(b"\a\b\t\n\v\f\r", "abtnvfr", strict=True))


def toggled(flags: tuple[str, ...]) -> set[str]:
    """The letters that are on after each in the options was toggled."""
    found: set[str] = set()
    for letter in "".join(flags):
        if letter not in TRACES:
            raise ConfigurationError(f"Unknown trace flag {letter}")
        found ^= {letter}
    return found


class System161Trace:
    """Traces a machine as `-t` and `-f` say, and the guest by its trace device."""

    def __init__(self, flags: tuple[str, ...], file: str | None, output: "Output") -> None:
        """`flags` are those of each `-t`, `file` that of `-f`. ConfigurationError for unknown
        letters, or when the file cannot be opened."""
        self._flags = toggled(flags)
        try:
            self._file = TraceFile(file, output)
        except ConfigurationError as error:
            reason = str(error).rpartition(": ")[2]
            raise ConfigurationError(f"Cannot open tracefile {file}: {reason}") from None
        self._has_own_file = file not in (None, "-")
        self._output = output
        self._trace: Trace | None = None
        self._carried: tuple[int, str] | None = None
        self._made_instructions: Instructions | None = None

    @property
    def enabled(self) -> str:
        """What is traced from the start, in words; "" if nothing is."""
        return "".join(f"{name} " for flag, name in TRACES.items() if flag in self._flags)

    def attach(self, machine: "Machine") -> None:
        """Trace this machine."""
        self._machine = machine
        machine.board.trace_flags |= self._flags
        machine.board.trace_flags_changed = self._apply
        self._output.watcher = self._watch
        self._apply()

    def _apply(self) -> None:
        """Trace what the flags say now."""
        wanted = self._machine.board.trace_flags
        if self._trace is None and not wanted:
            return
        both: set[TraceKind] = set()
        for letter in wanted & KINDS.keys():
            both |= KINDS[letter]
        kinds = {
            mode: frozenset(both | ({TraceKind.INSTRUCTION} if letter in wanted else set()))
            for letter, mode in INSTRUCTION_LETTERS.items()
        }
        filter_ = TraceFilter(kernel=kinds["kernel"], user=kinds["user"])
        devices = [DEVICES[letter] for letter in wanted & DEVICES.keys()]
        if self._trace is None:
            machine = self._machine
            self._trace = Trace(
                machine.monitor, machine.board, filter_, devices, receive=self._receive
            )
        else:
            self._trace.change(filter_, devices)
        self._flags = set(wanted)

    def _watch(self, printed: bytes) -> None:
        """The guest is about to print, or (nothing) a message to be written."""
        if self._trace is not None:
            self._trace.records_wait()
        if not self._has_own_file:
            self._file.flush()
            return
        for byte in printed:
            self._file.write([f"console: `{_escaped(byte)}' ({byte} / {byte:#x})"])

    def end(self) -> None:
        """Write what is left."""
        if self._trace is not None:
            self._trace.close()
        self._let_go([])
        self._file.close()

    # Lines.

    def _receive(self, part: Part) -> None:
        if isinstance(part, TraceEvent):
            lines: list[str] = []
            self._let_go(lines)
            if part.processor >= 0:
                bus, other = ("ON" if raised else "off" for raised in part.values)
                lines.append(f"trace: {part.processor:02x} cpu_set_irqs: LB {bus} IPI {other}")
            elif part.kind == "line" and part.slot < 0:
                lines.append("trace: -- Waiting for interrupt")
            elif part.kind == "line":
                level = "ON" if part.values[0] else "OFF"
                lines.append(f"trace: -- Slot {part.slot:2}: irq {level}")
            else:
                lines.append(f"trace: -- {part.text}")
            self._file.write(lines)
        else:
            self._file.write(self._lines(part.records))

    def _let_go(self, lines: list[str]) -> None:
        """End the line of an instruction that did not complete, if it has been left open."""
        if self._carried is not None:
            lines.append(self._carried[1])
            self._carried = None

    def _lines(self, records: bytes) -> list[str]:
        lines: list[str] = []
        text_of = self._instructions.text if self._flags & INSTRUCTION_LETTERS.keys() else None
        for record in RECORD.iter_unpack(records):
            _cycle, pc, word, first, second, third, fourth, fifth, kind, cpu, flags, _asid = record
            if text_of is not None and kind == TraceKind.INSTRUCTION:
                self._let_go(lines)
                # System/161 shows the branch's address for its delay slot.
                shown = pc - 4 & WORD if flags & DELAY_SLOT else pc
                text, complete = text_of(word, pc, first, second, third, flags & TRAPPED)
                line = f"trace: {cpu:02x} at {shown:08x}: {text}"
                if complete:
                    lines.append(line)
                else:
                    self._carried = cpu, line
            else:
                values = first, second, third, fourth, fifth
                for text in self._texts(kind, pc, word, values, flags):
                    begin = f"trace: {cpu:02x} "
                    if self._carried is not None:
                        if self._carried[0] == cpu:
                            begin = self._carried[1]
                            self._carried = None
                        else:
                            self._let_go(lines)
                    lines.append(begin + text)
        return lines

    @property
    def _instructions(self) -> "Instructions":
        """Made when instructions are traced: it takes all their declarations."""
        if self._made_instructions is None:
            from kseg.cli.system161.trace_instructions import Instructions

            self._made_instructions = Instructions()
        return self._made_instructions

    def _texts(
        self, kind: int, pc: int, word: int, values: tuple[int, ...], flags: int
    ) -> list[str]:
        """The lines of an event other than an instruction, without their beginning."""
        if kind == TraceKind.JUMP:
            return [f"jump: {pc:x} -> {values[0]:x}"]
        if kind == TraceKind.RETURN:
            mode = "user" if values[0] & r.STATUS_KUC else "kernel"
            interrupts = "on" if values[0] & r.STATUS_IEC else "off"
            return [
                f"Return from exception: {mode} mode, interrupts {interrupts}, sp {values[1]:x}"
            ]
        if kind == TraceKind.TLB:
            return [_tlb_text(word, values)]
        if kind == TraceKind.INTERRUPT:
            return self._interrupt(pc, values)
        cause, _epc, address, stack, entry = values
        code = cause >> r.CAUSE_CODE_SHIFT & 31
        about = ""
        if code in (2, 3):
            about = ", miss" if entry == WORD or flags & REFILL else ", invalid"
        name = EXCEPTIONS[code] if code < len(EXCEPTIONS) else "???"
        shown = pc - 4 & WORD if flags & DELAY_SLOT else pc
        what = f"code {code} ({name}{about}), expc {shown:x}, vaddr {address:x}, sp {stack:x}"
        return [f"exception: {what}"]

    def _interrupt(self, pc: int, values: tuple[int, ...]) -> list[str]:
        cause, _epc, _address, stack, _entry = values
        lines = {"LAMEbus": BUS, "IPI": PROCESSOR, "timer": TIMER, "soft": SOFT}
        raised = [name for name, bits in lines.items() if cause & bits]
        found = []
        if "i" in self._flags:
            found.append(f"Taking interrupt: {' '.join(raised)}")
        if "x" in self._flags:
            first = "softirq" if raised[:1] == ["soft"] else "".join(raised[:1])
            found.append(
                f"exception: code 0 (interrupt, {first}), expc {pc:x}, vaddr 0, sp {stack:x}"
            )
        return found


def _tlb_text(word: int, values: tuple[int, ...]) -> str:
    index, high, low, old_high, old_low = values
    if word == 0x42000008:
        if index == WORD:
            return f"tlbp:       {_key(high)} -> NOT FOUND"
        return f"tlbp:       {_key(high)} -> {_frame(low)}: [{index}]"
    if word == 0x42000001:
        return f"tlbr:  [{index:2}] {_key(high)} -> {_frame(low)} "
    name = "tlbwi" if word == 0x42000002 else "tlbwr"
    old, new = f"{_key(old_high)} -> {_frame(old_low)}", f"{_key(high)} -> {_frame(low)}"
    return f"{name}: [{index:2}] {old} ==> {new} "


def _key(high: int) -> str:
    return f"{high >> 12:05x}/{(high & r.ASID_MASK) >> r.ASID_SHIFT:03x}"


def _frame(low: int) -> str:
    flags = zip("GVDN", (r.ENTRY_LO_G, r.ENTRY_LO_V, r.ENTRY_LO_D, r.ENTRY_LO_N), strict=True)
    return f"{low >> 12:05x} " + "".join(letter if low & bit else "-" for letter, bit in flags)


def _escaped(byte: int) -> str:
    """A character that the guest printed, as the trace file shows it."""
    if 0x20 <= byte < 0x7F:
        return chr(byte)
    return "\\" + ESCAPES.get(byte, f"{byte:02x}")
