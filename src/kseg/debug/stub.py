"""The answers to a debugger's packets, one by one, while the guest stands.

GDB manual, appendix "Remote Protocol", section "Packets"; those that only ask for something
are answered by `queries`. A packet that is not known has an empty answer, as the protocol wants it;
one that is wrong has `E01`.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from kseg.debug import access, queries
from kseg.debug.inferior import Inferior
from kseg.debug.packets import Malformed, address, number, pair
from kseg.debug.points import ACCESS, HARDWARE, SOFTWARE
from kseg.debug.target import Ending, Target
from kseg.debug.threads import Thread, find, process
from kseg.errors import KsegError
from kseg.monitor.stop import Stop, StopReason

WRONG = b"E01"
WRITES = (b"G", b"P", b"M", b"X")
"""Packets that change the machine."""
TRAP, INTERRUPT, ABORT, KILLED = 5, 2, 6, 9
"""Signals, as stop replies have them."""
_OF_PROCESSORS = (
    StopReason.BREAKPOINT,
    StopReason.WATCHPOINT,
    StopReason.BREAK,
    StopReason.FATAL,
)
"""Stops that one processor has come to."""


@dataclass(frozen=True)
class Resume:
    """Let these run; if there is a `step`, that one alone, until it has executed one
    instruction."""

    inferiors: Collection[Inferior]
    step: Thread | None = None


@dataclass(frozen=True)
class Leave:
    """The debugger takes its leave of these: they run on."""

    inferiors: Collection[Inferior]


@dataclass(frozen=True)
class Kill:
    """These machines are to be switched off; `answer` is what to say then."""

    inferiors: Collection[Inferior]
    answer: bytes | None = None


@dataclass(frozen=True)
class Attach:
    """The debugger wants this one, which comes to stand."""

    inferior: Inferior


@dataclass(frozen=True)
class Back:
    """Go back to the last stop before; if there is a `step`, by one instruction of its."""

    step: Thread | None = None


Answer = bytes | Resume | Back | Leave | Kill | Attach


class Stub:
    """Answers packets about a target."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.current = Thread(target.inferiors[0], 0)
        """The thread that packets about registers and memory are about."""
        self.stepped = self.current
        """The one that is to be stepped when the packet does not say."""
        self._last_stop: Callable[[], str] = str
        """Says the latest stop reply: how, depends on what the debugger knows."""
        self.names_breakpoints = False
        """Whether the debugger wants to know which kind of breakpoint it was."""
        self.names_processes = False
        """Whether threads are named with their processes."""
        self.extended = False
        """Whether the debugger stays when there is nothing left to debug."""
        on_thread: dict[bytes, Callable[[Thread, bytes], bytes]] = {
            b"g": lambda thread, _: access.registers(thread).read_all().hex().encode(),
            b"G": access.write_registers,
            b"p": lambda thread, text: access.registers(thread).read(number(text)).hex().encode(),
            b"P": access.write_register,
            b"m": access.read_memory,
            b"M": access.write_memory,
            b"X": access.write_binary,
        }
        self._on_thread = on_thread
        self._packets: dict[bytes, Callable[[bytes], Answer]] = {
            b"?": lambda _: self._last_stop().encode(),
            b"!": self._extend,
            b"c": self._continue,
            b"C": lambda text: self._continue(text.partition(b";")[2]),
            b"s": self._step,
            b"S": lambda text: self._step(text.partition(b";")[2]),
            b"H": self._select,
            b"T": lambda text: self._ok(None not in find(text, self.attached, self.inferior)),
            b"D": lambda text: Leave(self._processes(text)),
            b"k": lambda _: Kill(self.attached),
            b"Z": lambda text: self._point(text, self.inferior.points.insert),
            b"z": lambda text: self._point(text, self.inferior.points.remove),
            b"b": self._back,
            b"q": lambda text: queries.answer(self, text),
            b"v": self._verb,
        }

    @property
    def inferior(self) -> Inferior:
        """The one that packets are about."""
        return self.current.inferior

    @property
    def attached(self) -> list[Inferior]:
        """Those that the debugger debugs."""
        return [each for each in self.target.inferiors if each.attached]

    def came(self) -> None:
        """A new debugger: forget what the last one said."""
        self.names_breakpoints = self.names_processes = self.extended = False

    def answer(self, data: bytes) -> Answer:
        """The answer to a packet, whatever is in it."""
        try:
            on_thread = self._on_thread.get(data[:1])
            if on_thread is not None and data[:1] in WRITES:
                return self._write(on_thread, data[1:])
            if on_thread is not None:
                return on_thread(self._standing(), data[1:])
            handler = self._packets.get(data[:1])
            return b"" if handler is None else handler(data[1:])
        except (ValueError, LookupError, KsegError):
            return WRONG

    def _write(self, write: Callable[[Thread, bytes], bytes], text: bytes) -> bytes:
        """The past cannot be changed."""
        thread, history = self._standing(), self.target.history
        if self.replays or (history is not None and history.in_past):
            raise Malformed("what has happened cannot be changed")
        return write(thread, text)

    @property
    def replays(self) -> bool:
        """Whether what is debugged repeats a recorded run."""
        return self.inferior.machine.board.outside.replaying

    def _standing(self) -> Thread:
        if self.inferior not in self.attached:
            raise Malformed("it is not there any more, or not the debugger's")
        return self.current

    def name(self, thread: Thread) -> str:
        """A thread's name, as packets have it."""
        return thread.named(with_process=self.names_processes)

    # Stops.

    def at_edge(self, edge: str) -> bytes:
        """The machine has come to the "begin" or "end" of its history: say so."""
        self.stepped = self.current
        self._last_stop = lambda: f"T{TRAP:02x}replaylog:{edge};thread:{self.name(self.current)};"
        return self._last_stop().encode()

    def stopped(self, inferior: Inferior, stop: Stop | None, *, interrupted: bool = False) -> bytes:
        """An inferior has come to stand, and so have all: choose a processor, and say why."""
        signal = INTERRUPT if interrupted else TRAP
        if inferior is not self.inferior:
            self.current = Thread(inferior, 0)
        if stop is None:
            self._choose_running()
        elif stop.reason in _OF_PROCESSORS:
            self.current = Thread(inferior, stop.processor)
            signal = ABORT if stop.reason is StopReason.FATAL else TRAP
        self.stepped = thread = self.current
        self._last_stop = lambda: (
            f"T{signal:02x}thread:{self.name(thread)};{self._reason(thread, stop)}"
        )
        return self._last_stop().encode()

    def ended(self, ending: Ending) -> bytes:
        """An inferior has come to its end: say so."""
        code = ending.exit_code
        said = f"X{KILLED:02x}" if code is None else f"W{code & 0xFF:02x}"
        process_ = f";process:{ending.inferior.number:x}" if self.names_processes else ""
        self._last_stop = lambda: f"{said}{process_}"
        if self.attached and self.inferior not in self.attached:
            self.current = self.stepped = Thread(self.attached[0], 0)
        return self._last_stop().encode()

    def _reason(self, thread: Thread, stop: Stop | None) -> str:
        if stop is None:
            return ""
        points = thread.inferior.points
        if stop.reason is StopReason.WATCHPOINT:
            name = points.watch_name(stop.address, stores=stop.stores)
            return f"{name}:{stop.address:08x};"
        if stop.reason is StopReason.BREAKPOINT and self.names_breakpoints:
            names = {SOFTWARE: "swbreak:;", HARDWARE: "hwbreak:;", None: ""}
            return names[points.breakpoint_type(thread.it.state.pc)]
        return ""

    def _choose_running(self) -> None:
        """A processor that executes, the present one if it does."""
        states = [each.state for each in self.inferior.machine.processors]
        for candidate in (self.current.processor, *range(len(states))):
            if states[candidate].enabled and not states[candidate].waiting:
                self.current = Thread(self.inferior, candidate)
                return

    # Running.

    def _continue(self, text: bytes) -> Answer:
        self._go_to(text)
        self._standing()
        return Resume(self.attached)

    def _step(self, text: bytes) -> Answer:
        self._go_to(text)
        self._standing()
        return Resume([self.stepped.inferior], self.stepped)

    def _go_to(self, text: bytes) -> None:
        def write(thread: Thread, where: bytes) -> bytes:
            thread.it.registers["pc"] = address(where)
            return b"OK"

        if text:
            self._write(write, text)

    def _back(self, text: bytes) -> Answer:
        self._standing()
        if self.target.history is None or text not in (b"s", b"c"):
            raise Malformed("no such packet, or no history")
        return Back(self.stepped if text == b"s" else None)

    def _verb(self, text: bytes) -> Answer:
        if text == b"Cont?":
            return b"vCont;c;C;s;S"
        if text.startswith(b"Cont;"):
            return self._resume(text.removeprefix(b"Cont;"))
        if text.startswith(b"Kill;"):
            number(text.removeprefix(b"Kill;"))
            return Kill(self._processes(text.removeprefix(b"Kill")), b"OK")
        if text.startswith(b"Attach;"):
            wanted = process(text.removeprefix(b"Attach;"), self.target.inferiors)
            return WRONG if wanted.attached else Attach(wanted)
        return b""

    def _resume(self, text: bytes) -> Answer:
        """What is not mentioned stands. The processors of a machine share one clock: when one of
        them runs they all do, and when one is stepped, the others move as far."""
        self._standing()
        chosen: list[Inferior] = []
        step: Thread | None = None
        for action in text.split(b";"):
            verb, _, name = action.partition(b":")
            if verb[:1] not in (b"c", b"C", b"s", b"S"):
                raise Malformed("no such action")
            found = find(name or b"p-1.-1", self.attached, self.inferior)
            meant = self.attached if found.inferior is None else [found.inferior]
            if verb[:1] in (b"s", b"S") and step is None:
                step = self.stepped
                if found.inferior is not None and found.processor is not None:
                    step = Thread(found.inferior, found.processor)
                elif step.inferior not in meant:
                    step = Thread(meant[0], 0)
            chosen += [each for each in meant if each not in chosen]
        return Resume(chosen if step is None else [step.inferior], step)

    def _processes(self, text: bytes) -> list[Inferior]:
        """Those that `;PID` means: all where there is none, or where processes have no names."""
        if text and self.names_processes:
            return [process(text.removeprefix(b";"), self.attached)]
        return self.attached

    def _point(self, text: bytes, change: Callable[[int, int, int], None]) -> bytes:
        self._standing()
        type_, rest = pair(text)
        where, kind = pair(rest.partition(b";")[0])
        if number(type_) > ACCESS:
            return b""
        change(number(type_), address(where), number(kind))
        return b"OK"

    def _select(self, text: bytes) -> bytes:
        found = find(text[1:], self.attached, self.inferior)
        if text[:1] not in (b"g", b"c"):
            raise Malformed("no such operation")
        if found.inferior is not None and found.processor is not None:
            chosen = Thread(found.inferior, found.processor)
        elif found.inferior is not None and found.inferior is not self.inferior:
            chosen = Thread(found.inferior, 0)
        else:
            return b"OK"
        if text[:1] == b"g":
            self.current = chosen
        else:
            self.stepped = chosen
        return b"OK"

    def _extend(self, _: bytes) -> bytes:
        self.extended = True
        return b"OK"

    @staticmethod
    def _ok(right: bool) -> bytes:
        return b"OK" if right else WRONG
