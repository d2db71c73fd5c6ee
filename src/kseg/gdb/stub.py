"""The answers to a debugger's packets, one by one, while the guest stands.

GDB manual, appendix "Remote Protocol", section "Packets"; those that only ask for something
are answered by `queries`. A packet that is not known has an empty answer, as the protocol wants it;
one that is wrong has `E01`.
"""

from collections.abc import Callable
from typing import Protocol

from kseg.errors import KsegError
from kseg.gdb import access, queries
from kseg.gdb.agent_expression import expressions
from kseg.gdb.answers import Answer, Attach, Detach, Kill, Resume, ReverseResume
from kseg.gdb.breakpoints import ACCESS, HARDWARE, SOFTWARE
from kseg.gdb.inferior import Inferior
from kseg.gdb.packets import Malformed, address, number, pair
from kseg.gdb.target import Ending, Target
from kseg.gdb.threads import Thread, find, process
from kseg.monitor.stop import Stop, StopReason

WRONG = b"E01"
TRAP, INTERRUPT, ABORT, KILLED = 5, 2, 6, 9
"""Signals, as stop replies have them."""
_OF_PROCESSORS = (
    StopReason.BREAKPOINT,
    StopReason.WATCHPOINT,
    StopReason.BREAK,
    StopReason.FATAL,
)
"""Stops that one processor has come to."""


class Write(Protocol):
    """Answers a packet that changes a thread's machine, unless that is `locked`."""

    def __call__(self, thread: Thread, text: bytes, *, locked: bool) -> bytes: ...


class Stub:
    def __init__(self, target: Target) -> None:
        self.target = target
        self.current = Thread(target.inferiors[0], 0)
        """The thread that packets about registers and memory are about."""
        self._to_step: Thread | None = None
        """The one that `Hc` has chosen."""
        self._last_stop: Callable[[], str] = str
        """Says the latest stop reply: how, depends on what the debugger knows."""
        self.names_breakpoints = False
        """Whether the debugger wants to know which kind of breakpoint it was."""
        self.names_processes = False
        """Whether threads are named with their processes."""
        self.reads_files = True
        """Whether the debugger is the user, who may name files of the host."""
        self.extended = False
        """Whether the debugger stays when there is nothing left to debug."""
        self.steps_over_slots = False
        """Whether `vCont;s` executes a branch with its delay slot: so it is for a debugger that has
        read the description of the target."""
        self._reads: dict[bytes, Callable[[Thread, bytes], bytes]] = {
            b"g": lambda thread, _: access.registers(thread).read_all().hex().encode(),
            b"p": lambda thread, text: access.registers(thread).read(number(text)).hex().encode(),
            b"m": access.read_memory,
        }
        self._writes: dict[bytes, Write] = {
            b"G": access.write_registers,
            b"P": access.write_register,
            b"M": access.write_memory,
            b"X": access.write_binary,
        }
        self._packets: dict[bytes, Callable[[bytes], Answer]] = {
            b"?": lambda _: self._last_stop().encode(),
            b"!": self._extend,
            b"c": self._continue,
            b"C": lambda text: self._continue(text.partition(b";")[2]),
            b"s": self._step,
            b"S": lambda text: self._step(text.partition(b";")[2]),
            b"H": self._select,
            b"T": lambda text: self._ok(None not in find(text, self.attached, self.inferior)),
            b"D": lambda text: Detach(self._processes(text)),
            b"k": lambda _: Kill(self.attached),
            b"Z": self._insert,
            b"z": self._remove,
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

    @property
    def stepped(self) -> Thread:
        """The one that is to be stepped when the packet does not say."""
        chosen = self._to_step
        return self.current if chosen is None or not chosen.inferior.attached else chosen

    def came(self) -> None:
        """A new debugger: forget what the last one said."""
        self._to_step = None
        self.names_breakpoints = self.names_processes = self.extended = False
        self.steps_over_slots = False

    def answer(self, data: bytes) -> Answer:
        try:
            read, write = self._reads.get(data[:1]), self._writes.get(data[:1])
            if read is not None:
                return read(self._standing(), data[1:])
            if write is not None:
                return write(self._standing(), data[1:], locked=self._locked)
            handler = self._packets.get(data[:1])
            return b"" if handler is None else handler(data[1:])
        except (ValueError, LookupError, KsegError):
            return WRONG

    @property
    def _locked(self) -> bool:
        """The past cannot be changed."""
        history = self.target.history
        return self.replays or (history is not None and history.in_past)

    @property
    def replays(self) -> bool:
        """Whether what is debugged repeats a recorded run."""
        return self.inferior.machine.board.input_port.replaying

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
        thread = self.current
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
            self.current = Thread(self.attached[0], 0)
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
        if text and self._standing().it.registers["pc"] != address(text):
            if self._locked:
                raise access.Locked
            self._standing().it.registers["pc"] = address(text)

    def _back(self, text: bytes) -> Answer:
        self._standing()
        if self.target.history is None or text not in (b"s", b"c"):
            raise Malformed("no such packet, or no history")
        return ReverseResume(self.stepped if text == b"s" else None)

    def _verb(self, text: bytes) -> Answer:
        if text == b"Cont?":
            return b"vCont;c;C;s;S;r"
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
        addresses: range | None = None
        for action in text.split(b";"):
            verb, _, name = action.partition(b":")
            if verb[:1] not in (b"c", b"C", b"s", b"S", b"r"):
                raise Malformed("no such action")
            found = find(name or b"p-1.-1", self.attached, self.inferior)
            meant = self.attached if found.inferior is None else [found.inferior]
            if verb[:1] in (b"s", b"S", b"r") and step is None:
                addresses = _addresses(verb[1:]) if verb[:1] == b"r" else None
                step = self.stepped
                if found.inferior is not None and found.processor is not None:
                    step = Thread(found.inferior, found.processor)
                elif step.inferior not in meant:
                    step = Thread(meant[0], 0)
            chosen += [each for each in meant if each not in chosen]
        if step is None:
            return Resume(chosen)
        return Resume([step.inferior], step, self.steps_over_slots, addresses)

    def _processes(self, text: bytes) -> list[Inferior]:
        """Those that `;PID` means: all where there is none, or where processes have no names."""
        if text and self.names_processes:
            return [process(text.removeprefix(b";"), self.attached)]
        return self.attached

    def _insert(self, text: bytes) -> bytes:
        point, (place, _, conditions) = self.inferior.points, text.partition(b";")
        type_, where, kind = self._place(place)
        if type_ > ACCESS:
            return b""
        point.insert(type_, where, kind, expressions(conditions.partition(b";")[0]))
        return b"OK"

    def _remove(self, text: bytes) -> bytes:
        type_, where, kind = self._place(text.partition(b";")[0])
        if type_ > ACCESS:
            return b""
        self.inferior.points.remove(type_, where, kind)
        return b"OK"

    def _place(self, text: bytes) -> tuple[int, int, int]:
        """Type, address and kind of a breakpoint or watchpoint."""
        self._standing()
        type_, rest = pair(text)
        where, kind = pair(rest)
        return number(type_), address(where), number(kind)

    def _select(self, text: bytes) -> bytes:
        found = find(text[1:], self.attached, self.inferior)
        if text[:1] not in (b"g", b"c"):
            raise Malformed("no such operation")
        chosen: Thread | None = None
        if found.inferior is not None and found.processor is not None:
            chosen = Thread(found.inferior, found.processor)
        elif found.inferior is not None and found.inferior is not self.inferior:
            chosen = Thread(found.inferior, 0)
        if text[:1] == b"c":
            self._to_step = chosen
        elif chosen is not None:
            self.current = chosen
        return b"OK"

    def _extend(self, _: bytes) -> bytes:
        self.extended = True
        return b"OK"

    @staticmethod
    def _ok(right: bool) -> bytes:
        return b"OK" if right else WRONG


def _addresses(text: bytes) -> range:
    """The range of a `vCont;r`, from the first address to before the second one, as whole
    instructions: GDB may mean one of them by a range of one byte."""
    first, behind = (address(each) for each in pair(text))
    behind = behind or 1 << 32
    if first > behind:
        raise Malformed("no range of instructions")
    return range(first & ~3, first & ~3 if first == behind else (behind + 3) & ~3)
