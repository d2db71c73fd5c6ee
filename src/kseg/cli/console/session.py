"""A machine with the user in front of it: keyboard, screen, signals, and how it all ends."""

import gc
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from kseg.api.machine import Machine
from kseg.cli.console.idle_watch import IdleWatch
from kseg.cli.console.keyboard import HELP, EscapeKey, LineEnds, start_reading
from kseg.cli.console.signals import Ended, handled
from kseg.cli.input import MOST_INPUT
from kseg.cli.output import Output, OutputClosed
from kseg.errors import KsegError
from kseg.machine.host_file import read_at_most
from kseg.monitor.boot_rom import is_lost, lost
from kseg.monitor.stop import Stop, StopReason
from kseg.platform import signals

if TYPE_CHECKING:
    from kseg.cli.console.saves import Saves
    from kseg.platform.terminal import Terminal
    from kseg.profile.profiler import Profiler

CYCLE_LIMIT, IDLE = 4, 5
"""Exit codes in addition to System/161's."""


class Source(Enum):
    """Where the console's input comes from."""

    TERMINAL = "terminal"
    STREAM = "stream"
    """A pipe: more may come at any time."""
    FILE = "file"
    """All that will ever come is there."""
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Conditions:
    """How to run. `pace` is one of `kseg.monitor.pace.PACES` or "auto"; `escape` and `attention`
    are control characters' numbers or None: the former begins a command to kseg, the latter asks
    for the debugger; `signals` says whether keys such as Ctrl-C act on kseg; `limit` is a number of
    cycles, `idle_limit` the virtual seconds that a guest may do nothing after its input has ended
    (0: for ever). `saves` are cycles, in order, and the files to save snapshots in then, with a
    `base`."""

    pace: str = "auto"
    escape: int | None = 1
    attention: int | None = None
    signals: bool = False
    limit: int | None = None
    idle_limit: float = 60.0
    saves: tuple[tuple[int, str], ...] = ()
    base: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended: the machine's last stop, the exit code, and the signal that ended it."""

    stop: Stop
    exit_code: int
    signal: int | None = None


class Attendant(Protocol):
    """Who may let a machine stand, and run on: see `kseg.gdb.debugger.Debugger`."""

    def attend(self, leaves: Callable[[], bool]) -> Stop | None: ...

    def takes(self, stop: Stop) -> bool: ...

    def ended(self, exit_code: int) -> None: ...


class Session:
    """Runs a machine to its end, with a user's input and output."""

    def __init__(
        self,
        machine: Machine,
        output: Output,
        conditions: Conditions,
        input_file: str | None = None,
    ) -> None:
        """`input_file` is typed instead of what comes on stdin ("-" or None: stdin)."""
        self.debugger: Attendant | None = None
        """The debugger, which may stop the guest, if there is one."""
        self.pulse: Callable[[], None] | None = None
        """Is called between bursts, if anything."""
        self.profiler: Profiler | None = None
        """The profiler, if there is one."""
        self._machine = machine
        self._output = output
        self._conditions = conditions
        self._source, self._descriptor = _open_input(input_file)
        self._terminal: Terminal | None = None
        self._ended = self._source in (Source.FILE, Source.NOTHING)
        self._left = False
        self._wanted = False
        self._to_save = self._to_help = False
        self._to_show = False
        self._made_saves: Saves | None = None
        if conditions.saves or conditions.base is not None:
            self._made_saves = self._saves
        self._watch = IdleWatch(machine, conditions.idle_limit)
        self._cards = machine.network_cards
        self._adapts = conditions.pace == "auto"
        # Until the first check, which is soon.
        machine.monitor.pace = "fast" if self._adapts else conditions.pace
        machine.monitor.wait_for_input = not self._ended

    def run(self) -> Outcome:
        """Run until the machine or the user ends it; the terminal is restored in any case."""
        code = 1
        try:
            outcome = self._run()
            code = outcome.exit_code
            return outcome
        finally:
            if self.debugger is not None:
                self.debugger.ended(code)

    def _run(self) -> Outcome:
        if self._source is Source.TERMINAL:
            from kseg.platform.terminal import Terminal

            self._terminal = Terminal(self._descriptor, signals=self._conditions.signals)
        # `kseg.cli.main` has put this off: what is there now is no garbage.
        gc.freeze()
        gc.enable()
        try:
            with handled(self._give_terminal_back, self._go_on):
                self._take_terminal()
                self._start_input()
                stop = self._drive()
        except Ended as ended:
            self._give_terminal_back()
            return Outcome(Stop(StopReason.INTERRUPTED), 128 + ended.number, ended.number)
        except OutputClosed:
            return Outcome(Stop(StopReason.INTERRUPTED), signals.READER_GONE)
        finally:
            self._give_terminal_back()
        if self._made_saves is not None:
            self._made_saves.say_what_is_left()
        return Outcome(stop, self._exit_code(stop))

    @property
    def _saves(self) -> "Saves":
        """Made when there is something to be saved: most runs save nothing."""
        if self._made_saves is None:
            from kseg.cli.console.saves import Saves

            given = self._conditions
            self._made_saves = Saves(self._machine, given.saves, given.base, self._output)
        return self._made_saves

    def _exit_code(self, stop: Stop) -> int:
        if stop.exit_code is not None:
            return stop.exit_code
        codes = {
            StopReason.CYCLE_LIMIT: CYCLE_LIMIT,
            StopReason.IDLE: IDLE,
            StopReason.BREAK: 1,
            StopReason.DEBUGGER: 1,
        }
        return codes.get(stop.reason, 0)

    # The machine.

    def _drive(self) -> Stop:
        machine, limit = self._machine, self._conditions.limit
        while True:
            if self.debugger is not None:
                end = self.debugger.attend(self._look_in)
                if end is not None:
                    return end
            saves = self._made_saves
            if saves is not None:
                saves.save_due()
            next_save = None if saves is None else saves.next_cycle
            next_sample = None if self.profiler is None else self.profiler.next_cycle
            ends = [cycle for cycle in (limit, next_save, next_sample) if cycle is not None]
            left = max(min(ends) - machine.cycles, 0) if ends else None
            stop = machine.run(until=self._check, cycles=left)
            if self.profiler is not None:
                self.profiler.sample_due()
            self._do_what_is_asked()
            if stop.reason is StopReason.CYCLE_LIMIT and saves is not None:
                due = saves.save_due()
                if due and machine.cycles != limit:
                    continue
            samples = stop.reason is StopReason.CYCLE_LIMIT and self.profiler is not None
            if samples and machine.cycles != limit:
                continue
            if self._left:
                return Stop(StopReason.INTERRUPTED, 0, "left by the user")
            if stop.reason is StopReason.CONDITION and is_lost(machine.board):
                stop = lost(machine.board)
            if self.debugger is not None and self.debugger.takes(stop):
                continue
            if self._wanted:
                self._wanted = False
                wanted = Stop(StopReason.DEBUGGER, 1, "the user asks for a debugger")
                if self.debugger is not None and self.debugger.takes(wanted):
                    continue
                self._output.message("Not waiting for debugger...")
            if stop.reason is StopReason.CONDITION:
                stop = Stop(StopReason.IDLE, None, "the guest waits for input")
            if stop.reason is StopReason.IDLE and not self._ended:
                continue
            if stop.reason is not StopReason.INTERRUPTED:
                return stop

    def _look_in(self) -> bool:
        """Asked every now and then while the machine stands: does the user want to leave?"""
        self._output.pulse(True)
        self._do_what_is_asked()
        return self._left

    def _do_what_is_asked(self) -> None:
        if self._to_save:
            self._to_save = False
            self._saves.save_here()
        if self._to_help:
            self._to_help = False
            for line in key_help(self._conditions.escape or 0).strip().splitlines():
                self._output.message(line)
        if self._to_show:
            self._to_show = False
            from kseg.cli.console.diagnostics import threads_in_words

            for line in threads_in_words(self._machine):
                self._output.message(line)

    def _check(self) -> bool:
        """Asked between bursts: is this the end?"""
        machine = self._machine
        resting = machine.board.all_idle
        self._output.pulse(resting)
        if self.pulse is not None:
            self.pulse()
        if self._left or is_lost(machine.board):
            return True
        # A packet may come from the hub at any time.
        in_company = any(card.carrier for card in self._cards)
        if self._adapts:
            # No user wants to wait for a script; but while the other end of a pipe thinks, or other
            # machines do, time must not fly.
            flies = (self._ended or machine.typing) and not in_company
            machine.monitor.pace = "fast" if flies else "system161"
        waits = self._ended and not machine.typing and not in_company
        return waits and self._watch.nothing_happens()

    # Input. These are called from the keyboard's thread.

    def type(self, data: bytes) -> None:
        """Characters typed on the terminal: at once, as a person decides."""
        attention = self._conditions.attention
        if attention is not None and attention in data:
            data = data.replace(bytes([attention]), b"")
            self._wanted = True
            self._machine.monitor.interrupt()
        self._machine.board.input_port.type(data)

    def command(self, letter: str) -> None:
        """A key after the escape key."""
        if letter == "x":
            self._left = True
            self._machine.monitor.interrupt()
        elif letter == "s":
            self._to_save = True
            self._machine.monitor.interrupt()
        elif letter == "w":
            self._to_show = True
            self._machine.monitor.interrupt()
        elif letter == "z":
            # The whole job, as Ctrl-Z does it.
            signals.stop_job()
        elif letter == "h" or letter == "?":
            self._to_help = True
            self._machine.monitor.interrupt()

    def end_of_input(self) -> None:
        """Nothing will come any more."""
        self._ended = True
        self._machine.board.input_port.close()
        if self._adapts:
            self._machine.board.input_port.disturb()  # It may be asleep, at the pace of before.

    def _start_input(self) -> None:
        if self._source is Source.FILE:
            self._machine.console.send(_read_all(self._descriptor))
        if self._ended:
            self.end_of_input()
            return
        text: Callable[[bytes], None]
        if self._source is Source.TERMINAL:
            text = EscapeKey(self._conditions.escape, self).type
        else:
            line_ends = LineEnds()

            def text(data: bytes) -> None:
                self._machine.console.send(line_ends.typed(data))
                self._machine.board.input_port.disturb()

        start_reading(self._descriptor, self._terminal, text, self.end_of_input)

    # The terminal.

    def _take_terminal(self) -> None:
        if self._terminal is not None:
            self._terminal.take()

    def _go_on(self) -> None:
        self._take_terminal()
        self._machine.monitor.host_stood_still()

    def _give_terminal_back(self) -> None:
        if self._terminal is not None:
            self._terminal.give_back()


def key_help(escape: int) -> str:
    """What the keys after the escape key do."""
    letter = chr(escape + 64)
    return HELP.format(escape=f"Ctrl-{letter}", name="the escape key; change it with --escape")


def _open_input(name: str | None) -> tuple[Source, int]:
    if name is None or name == "-":
        descriptor = 0
    else:
        try:
            descriptor = os.open(name, os.O_RDONLY)
        except OSError as error:
            raise KsegError(f"input {name}: {error.strerror}") from None
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return Source.NOTHING, -1  # stdin is closed
    if stat.S_ISDIR(mode):
        raise KsegError(f"input {name or 'stdin'}: is a directory")
    if stat.S_ISREG(mode):
        return Source.FILE, descriptor
    if os.isatty(descriptor):
        return Source.TERMINAL, descriptor
    if stat.S_ISCHR(mode) and os.fstat(descriptor).st_rdev == Path(os.devnull).stat().st_rdev:
        return Source.NOTHING, descriptor
    return Source.STREAM, descriptor


def _read_all(descriptor: int) -> bytes:
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        data = read_at_most(file, MOST_INPUT)
    if len(data) > MOST_INPUT:
        raise KsegError(f"input: more than {MOST_INPUT >> 20}M; use a disk image or --share")
    return LineEnds().typed(data)
