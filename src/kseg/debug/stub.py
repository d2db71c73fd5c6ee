"""The answers to a debugger's packets, one by one, while the guest stands.

GDB manual, appendix "Remote Protocol", sections "Packets" and "General Query Packets". A packet
that is not known has an empty answer, as the protocol wants it; one that is wrong has `E01`.
Processor N is thread N + 1.
"""

from collections.abc import Callable
from dataclasses import dataclass

from kseg.debug import commands
from kseg.debug.documents import condition, document
from kseg.debug.machine import Machine
from kseg.debug.packets import PACKET_SIZE, Malformed, address, contents, number, pair
from kseg.debug.points import ACCESS, HARDWARE, SOFTWARE, Points
from kseg.debug.registers import RegisterFile
from kseg.errors import KsegError
from kseg.isa.profile import profile_named
from kseg.monitor.bare import Stop, StopReason

WRONG = b"E01"
TRAP, INTERRUPT, ABORT = 5, 2, 6
"""Signals, as stop replies have them."""

_MOST_BYTES = PACKET_SIZE // 2 - 16
"""Bytes of memory in one answer; GDB asks again for the rest."""


@dataclass(frozen=True)
class Resume:
    """Let the guest run; if `step` is a processor's number, until that has executed one
    instruction."""

    step: int | None = None


class Leave:
    """The debugger takes its leave: the guest runs on."""


class Kill:
    """The machine is to be switched off."""


Answer = bytes | Resume | Leave | Kill


class Stub:
    """Answers packets about one machine."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._profile = profile_named(machine.board.profile)
        self.points = Points()
        self.current = 0
        """The processor that packets about registers and memory are about."""
        self.stepped = 0
        """The one that is to be stepped when the packet does not say."""
        self.last_stop = b""
        """The latest stop reply."""
        self._names_breakpoints = False
        self._packets: dict[bytes, Callable[[bytes], Answer]] = {
            b"?": lambda _: self.last_stop,
            b"g": lambda _: self._registers().read_all().hex().encode(),
            b"G": self._write_registers,
            b"p": lambda text: self._registers().read(number(text)).hex().encode(),
            b"P": self._write_register,
            b"m": self._read_memory,
            b"M": self._write_memory,
            b"X": self._write_binary,
            b"c": self._continue,
            b"C": lambda text: self._continue(text.partition(b";")[2]),
            b"s": self._step,
            b"S": lambda text: self._step(text.partition(b";")[2]),
            b"H": self._select,
            b"T": lambda text: self._ok(self._processor(text) >= 0),
            b"D": lambda _: Leave(),
            b"k": lambda _: Kill(),
            b"Z": lambda text: self._point(text, self.points.insert),
            b"z": lambda text: self._point(text, self.points.remove),
            b"q": self._query,
            b"v": self._verb,
        }

    def attached(self) -> None:
        """A new debugger: forget what the last one said."""
        self.points.clear()
        self._names_breakpoints = False
        self.stopped(None)

    def answer(self, data: bytes) -> Answer:
        """The answer to a packet, whatever is in it."""
        handler = self._packets.get(data[:1])
        if handler is None:
            return b""
        try:
            return handler(data[1:])
        except (ValueError, LookupError, KsegError):
            return WRONG

    # Stops.

    def stopped(self, stop: Stop | None, *, interrupted: bool = False) -> bytes:
        """The guest has come to stand: choose a processor, and say why."""
        signal, reason = TRAP, ""
        if stop is None or interrupted:
            signal = INTERRUPT if interrupted else TRAP
            self._choose_running()
        elif stop.reason is StopReason.FATAL:
            self.current, signal = stop.processor, ABORT
        else:
            if stop.reason in (StopReason.BREAKPOINT, StopReason.WATCHPOINT):
                self.current = stop.processor
            reason = self._reason(stop)
        self.stepped = self.current
        self.last_stop = f"T{signal:02x}thread:{self.current + 1:x};{reason}".encode()
        return self.last_stop

    def _reason(self, stop: Stop) -> str:
        if stop.reason is StopReason.WATCHPOINT:
            name = self.points.watch_name(stop.address, stores=stop.stores)
            return f"{name}:{stop.address:08x};"
        if stop.reason is StopReason.BREAKPOINT and self._names_breakpoints:
            pc = self._machine.processors[stop.processor].state.pc
            names = {SOFTWARE: "swbreak:;", HARDWARE: "hwbreak:;", None: ""}
            return names[self.points.breakpoint_type(pc)]
        return ""

    def _choose_running(self) -> None:
        """A processor that executes, the present one if it does."""
        states = [each.state for each in self._machine.processors]
        for candidate in (self.current, *range(len(states))):
            if states[candidate].enabled and not states[candidate].waiting:
                self.current = candidate
                return

    # Registers and memory.

    def _registers(self) -> RegisterFile:
        processor = self._machine.processors[self.current]
        return RegisterFile(processor, self._profile, self._machine.board.byte_order)

    def _write_registers(self, text: bytes) -> bytes:
        self._registers().write_all(contents(text))
        return b"OK"

    def _write_register(self, text: bytes) -> bytes:
        name, value = pair(text, b"=")
        self._registers().write(number(name), contents(value))
        return b"OK"

    def _read_memory(self, text: bytes) -> bytes:
        where, count = pair(text)
        begin, length = address(where), min(number(count), _MOST_BYTES)
        memory = self._machine.memory.virtual(self.current)
        found = b""
        while len(found) < length:
            at = begin + len(found)
            part = min(length - len(found), 4096 - at % 4096)
            try:
                found += memory.read(at & 0xFFFFFFFF, part)
            except LookupError:
                # Less than was asked for is an answer; nothing at all is an error.
                if not found:
                    raise
                break
        return found.hex().encode()

    def _write_memory(self, text: bytes) -> bytes:
        where, data = pair(text, b":")
        return self._write(where, contents(data))

    def _write_binary(self, text: bytes) -> bytes:
        where, data = pair(text, b":")
        return self._write(where, data)

    def _write(self, where: bytes, data: bytes) -> bytes:
        begin, count = pair(where)
        if number(count) != len(data):
            raise Malformed("another number of bytes than it says")
        if address(begin) + len(data) > 1 << 32:
            raise Malformed("beyond the last address")
        if data:
            self._machine.memory.virtual(self.current).write(address(begin), data)
        return b"OK"

    # Running.

    def _continue(self, text: bytes) -> Answer:
        self._go_to(text)
        return Resume()

    def _step(self, text: bytes) -> Answer:
        self._go_to(text)
        return Resume(self.stepped)

    def _go_to(self, text: bytes) -> None:
        if text:
            self._machine.processors[self.current].registers["pc"] = address(text)

    def _verb(self, text: bytes) -> Answer:
        if text == b"Cont?":
            return b"vCont;c;C;s;S"
        if text.startswith(b"Cont;"):
            return self._resume(text.removeprefix(b"Cont;"))
        if text.startswith(b"Kill"):
            return Kill()
        return b""

    def _resume(self, text: bytes) -> Answer:
        """All processors share one clock: when one is stepped, the others move as far."""
        step = None
        for action in text.split(b";"):
            verb, _, thread = action.partition(b":")
            if verb[:1] not in (b"c", b"C", b"s", b"S"):
                raise Malformed("no such action")
            chosen = self._thread(thread) if thread else None
            if verb[:1] in (b"s", b"S") and step is None:
                step = self.stepped if chosen is None else chosen
        return Resume(step)

    def _point(self, text: bytes, change: Callable[[int, int, int], None]) -> bytes:
        type_, rest = pair(text)
        where, kind = pair(rest.partition(b";")[0])
        if number(type_) > ACCESS:
            return b""
        change(number(type_), address(where), number(kind))
        return b"OK"

    # Threads.

    def _processor(self, text: bytes) -> int:
        """The number of the processor that is a thread; Malformed if none is."""
        found = number(text) - 1
        if not 0 <= found < len(self._machine.processors):
            raise Malformed("no such thread")
        return found

    def _thread(self, text: bytes) -> int | None:
        """The same; None for any, or all."""
        return None if text in (b"0", b"-1") else self._processor(text)

    def _select(self, text: bytes) -> bytes:
        chosen = self._thread(text[1:])
        if text[:1] == b"g" and chosen is not None:
            self.current = chosen
        elif text[:1] == b"c" and chosen is not None:
            self.stepped = chosen
        return self._ok(text[:1] in (b"g", b"c"))

    @staticmethod
    def _ok(right: bool) -> bytes:
        return b"OK" if right else WRONG

    # Queries.

    def _query(self, text: bytes) -> Answer:
        name, _, rest = text.partition(b":")
        if name == b"Supported":
            self._names_breakpoints = b"swbreak+" in rest and b"hwbreak+" in rest
            names = "swbreak+;hwbreak+;" if self._names_breakpoints else ""
            return (
                f"PacketSize={PACKET_SIZE:x};QStartNoAckMode+;vContSupported+;{names}"
                "qXfer:features:read+;qXfer:memory-map:read+;qXfer:threads:read+"
            ).encode()
        if name == b"Xfer":
            return self._document(rest)
        if name == b"fThreadInfo":
            count = len(self._machine.processors)
            return b"m" + b",".join(b"%x" % (each + 1) for each in range(count))
        if name == b"sThreadInfo":
            return b"l"
        if name.startswith(b"ThreadExtraInfo,"):
            which = self._processor(name.partition(b",")[2])
            said = f"CPU {which}: {condition(self._machine.processors[which])}"
            return said.encode().hex().encode()
        if name.startswith(b"Rcmd,"):
            return self._command(contents(name.partition(b",")[2]))
        simple = {b"C": b"QC%x" % (self.current + 1), b"Attached": b"1", b"Symbol": b"OK"}
        return simple.get(name, b"")

    def _document(self, text: bytes) -> bytes:
        object_, rest = pair(text, b":")
        operation, rest = pair(rest, b":")
        name, rest = pair(rest, b":")
        first, most = (number(each) for each in pair(rest))
        whole = document(self._machine, object_, name)
        if operation != b"read" or whole is None:
            return b"E00"
        part = whole[first : first + min(most, PACKET_SIZE - 8)]
        return (b"l" if first + len(part) >= len(whole) else b"m") + part

    def _command(self, line: bytes) -> Answer:
        text = line.decode("utf-8", "replace")
        if text.strip() == "quit":
            return Kill()
        said = commands.execute(self._machine, self.current, text).encode()
        return said[:_MOST_BYTES].hex().encode()
