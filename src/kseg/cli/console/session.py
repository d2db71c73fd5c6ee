"""A machine with the user in front of it: keyboard, screen, signals, and how it all ends."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

import msgspec

from kseg.api.machine import Machine
from kseg.cli.console.guest_watch import GuestWatch
from kseg.cli.console.keyboard import EscapeKey, LineEnds, start_reading
from kseg.cli.console.signals import Ended, in_front
from kseg.cli.console.source import Source, open_input, read_all
from kseg.cli.output import Output, OutputClosed
from kseg.monitor.stop import Stop, StopReason
from kseg.platform import signals

if TYPE_CHECKING:
    from kseg.cli.console.key_commands import KeyCommands
    from kseg.cli.console.saves import Saves
    from kseg.platform.terminal import Terminal

CYCLE_LIMIT, IDLE = 4, 5
"""Exit codes in addition to System/161's."""


class Conditions(msgspec.Struct, frozen=True):
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


class Outcome(msgspec.Struct, frozen=True):
    """How it ended: the machine's last stop, the exit code, and the signal that ended it."""

    stop: Stop
    exit_code: int
    signal: int | None = None


class Attendant(Protocol):
    """Who may let a machine stand, and run on: see `kseg.gdb.debugger.Debugger`."""

    def attend(self, leaves: Callable[[], bool]) -> Stop | None: ...

    def takes(self, stop: Stop) -> bool: ...

    def ended(self, exit_code: int) -> None: ...


def drive(
    run: Callable[[], Stop],
    debugger: Attendant | None,
    look_in: Callable[[], bool],
    refuses: Callable[[Stop], bool] = lambda _: False,
) -> Stop:
    """Let something run to its end. While a debugger wants it to stand, it does, and `look_in()` is
    asked every now and then whether it is to run all the same; a Stop that the debugger does not
    take may be one that `refuses` says to pass."""
    if debugger is None:
        return run()
    while True:
        end = debugger.attend(look_in)
        if end is not None:
            return end
        stop = run()
        interrupted = stop.reason is StopReason.INTERRUPTED and stop.exit_code is None
        if not (debugger.takes(stop) or interrupted or refuses(stop)):
            return stop


class Session:
    """Runs a machine to its end, with a user's input and output. All that it does while the guest
    runs, observers of the machine do."""

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
        self._machine, self._output, self._conditions = machine, output, conditions
        self._source, self._descriptor = open_input(input_file)
        self._terminal: Terminal | None = None
        self._keys: KeyCommands | None = None
        self._made_saves: Saves | None = None
        if conditions.saves or conditions.base is not None:
            self._made_saves = self._saves()
        self._watch = GuestWatch(
            machine,
            output,
            conditions.pace,
            conditions.idle_limit,
            ended=self._source in (Source.FILE, Source.NOTHING),
        )

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
        try:
            with (
                in_front(self._terminal, self._machine.monitor.idling.host_stood_still),
                self._observers(),
            ):
                self._start_input()
                stop = self._drive()
        except Ended as ended:
            return Outcome(Stop(StopReason.INTERRUPTED), 128 + ended.number, ended.number)
        except OutputClosed:
            return Outcome(Stop(StopReason.INTERRUPTED), signals.READER_GONE)
        if self._made_saves is not None:
            self._made_saves.say_what_is_left()
        return Outcome(stop, self._exit_code(stop))

    def _observers(self) -> ExitStack:
        """Let those take part in the run who do what there is to do for the user."""
        added, observers = ExitStack(), self._machine.observers
        added.enter_context(observers.added(self._watch))
        if self._made_saves is not None:
            self._made_saves.save_due()
            added.enter_context(observers.added(self._made_saves))
        if self._source is Source.TERMINAL:
            from kseg.cli.console.key_commands import KeyCommands

            self._keys = KeyCommands(
                self._machine,
                self._output,
                self._saves,
                escape=self._conditions.escape,
                attention=self._conditions.attention,
                debugged=self.debugger is not None,
            )
            added.enter_context(observers.added(self._keys))
        return added

    def _saves(self) -> "Saves":
        """Made when there is something to be saved: most runs save nothing."""
        if self._made_saves is None:
            from kseg.cli.console.saves import Saves

            given = self._conditions
            say = self._output.message
            self._made_saves = Saves(self._machine, given.saves, given.base, say)
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

        def run() -> Stop:
            return machine.run(cycles=None if limit is None else max(limit - machine.cycles, 0))

        def refuses(stop: Stop) -> bool:
            return self._keys is not None and self._keys.refuses(stop)

        return drive(run, self.debugger, self._look_in, refuses)

    def _look_in(self) -> bool:
        """Asked every now and then while the machine stands: does the user want to leave?"""
        self._output.pulse(True)
        return self._keys is not None and self._keys.obey()

    # Input.

    def _start_input(self) -> None:
        if self._source is Source.FILE:
            self._machine.console.send(read_all(self._descriptor))
        if self._source in (Source.FILE, Source.NOTHING):
            self._watch.end_of_input()
            return
        text: Callable[[bytes], None]
        if self._keys is not None:
            text = EscapeKey(self._conditions.escape, self._keys).type
        else:
            line_ends = LineEnds()

            def text(data: bytes) -> None:
                self._machine.console.send(line_ends.typed(data))
                self._machine.board.input_port.disturb()

        start_reading(self._descriptor, self._terminal, text, self._watch.end_of_input)
