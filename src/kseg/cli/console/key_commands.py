"""What the user asks kseg for, with keys, while the guest runs."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from kseg.api.machine import Machine
from kseg.cli.output import Output
from kseg.monitor.observer import RUN_ON, Observer, Order
from kseg.monitor.stop import Stop, StopReason
from kseg.platform import signals

if TYPE_CHECKING:
    from kseg.cli.console.saves import Saves

HELP = """
Keys ({escape} is the escape key; change it with --escape):
  {escape} x         leave: switch the machine off
  {escape} s         save a snapshot of the machine, in a file here
  {escape} w         what the threads of the guest's kernel do, and wait for
  {escape} h         this list
  {escape} z         suspend kseg; the shell's fg goes on
  {escape} {escape}   send {escape} to the guest
"""

_LEFT = Stop(StopReason.INTERRUPTED, 0, "left by the user")
_WANTED = Stop(StopReason.DEBUGGER, 1, "the user asks for a debugger")


class KeyCommands(Observer):
    """Makes the machine stand when a key says so, and does what it asks for then.

    `type` and `command` are called from the keyboard's thread (`kseg.cli.console.keyboard.Sink`).
    """

    order = Order.USER

    def __init__(
        self,
        machine: Machine,
        output: Output,
        saves: Callable[[], "Saves"],
        *,
        escape: int | None,
        attention: int | None,
        debugged: bool,
    ) -> None:
        """`escape` and `attention` are those of `kseg.cli.console.session.Conditions`. `debugged`:
        there may be a debugger, which is told of each interruption."""
        self._machine, self._output, self._saves = machine, output, saves
        self._attention, self._debugged = attention, debugged
        self._asked: list[str] = []
        self._wanted = False
        self._actions = {"x": self._leave, "s": self._save, "w": self._show_threads}
        name = f"Ctrl-{chr((escape or 0) + 64)}"
        self._actions |= dict.fromkeys("h?", lambda: self._say(HELP.format(escape=name).strip()))
        self._left = False

    def type(self, data: bytes) -> None:
        """Characters typed on the terminal: at once, as a person decides."""
        if self._attention is not None and self._attention in data:
            data = data.replace(bytes([self._attention]), b"")
            self._wanted = True
            self._machine.monitor.interrupt()
        self._machine.board.input_port.type(data)

    def command(self, letter: str) -> None:
        """A key after the escape key."""
        if letter == "z":
            signals.stop_job()
        elif letter in self._actions:
            self._asked.append(letter)
            self._machine.monitor.interrupt()

    def obey(self) -> bool:
        """Do what was asked for, where the machine stands; whether the user wants to leave."""
        while self._asked:
            self._actions[self._asked.pop(0)]()
        return self._left

    def stopped(self, stop: Stop) -> Stop | None:
        if self.obey():
            return _LEFT
        if stop.reason is not StopReason.INTERRUPTED:
            return None
        if self._wanted:
            self._wanted = False
            if self._debugged:
                return _WANTED
            self.refuses(_WANTED)
        return None if self._debugged else RUN_ON

    def refuses(self, stop: Stop) -> bool:
        """Whether the machine stands because the user wants a debugger: then he is told that there
        is none, and it runs on."""
        if stop is _WANTED:
            self._output.message("Not waiting for debugger...")
        return stop is _WANTED

    def _leave(self) -> None:
        self._left = True

    def _save(self) -> None:
        self._saves().save_here(self._machine.kernel.stem)

    def _show_threads(self) -> None:
        from kseg.cli.console.diagnostics import threads_in_words

        self._say("\n".join(threads_in_words(self._machine)))

    def _say(self, text: str) -> None:
        for line in text.splitlines():
            self._output.message(line)
