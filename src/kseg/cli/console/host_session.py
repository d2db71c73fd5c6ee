"""A host with the user in front of it: which guest is shown and typed for, and how it all ends."""

import threading
import time
from collections import deque
from functools import partial

from kseg.api.host import Host
from kseg.api.host_guest import Guest
from kseg.cli.console import host_table
from kseg.cli.console.consoles import Consoles, Switch
from kseg.cli.console.idle_watch import IdleWatch
from kseg.cli.console.keyboard import EscapeKey, start_reading
from kseg.cli.console.session import CYCLE_LIMIT, IDLE, Attendant, Outcome, drive
from kseg.cli.console.signals import Ended, in_front
from kseg.cli.output import Output, OutputClosed
from kseg.errors import KsegError
from kseg.monitor.observer import RUN_ON, Observer, Order
from kseg.monitor.stop import Stop, StopReason
from kseg.platform import signals
from kseg.platform.terminal import Terminal

REFRESH = 1.0
"""Seconds between two drawings of the table."""

HELP = """
Keys ({escape} is the escape key; change it with --escape):
  {escape} n, {escape} p     the next guest, the previous one
  {escape} 1 to 9      the guest of that number
  {escape} l           list the guests
  {escape} t           the table of guests: show it, leave it
  {escape} s           save a snapshot of the guest
  {escape} w           what the threads of its kernel do, and wait for
  {escape} x           leave: switch all guests off
  {escape} z           suspend kseg; the shell's fg goes on
  {escape} {escape}    send {escape} to the guest
  {escape} h           this list
"""


class HostSession(Observer):
    """Runs a host to its end, with a user's terminal or without one. While the guests run, it is an
    observer of the host."""

    order = Order.USER

    def __init__(
        self,
        host: Host,
        consoles: Consoles,
        output: Output,
        *,
        adapts: bool = False,
        escape: int | None = 1,
        limit: int | None = None,
        idle_limit: float = 60.0,
        reports: bool = False,
    ) -> None:
        """With a `Switch` as `consoles`, stdin is a terminal; otherwise nothing is read there.
        `adapts`: the pace is real while guests can be reached, by a user or a network, else fast.
        `escape` is the escape key's number, `limit` a machine time in cycles; `idle_limit` the
        virtual seconds that guests without a terminal may do nothing (0: for ever). `reports`:
        more is said about guests that fail."""
        self._host, self._consoles, self._output = host, consoles, output
        self._switch = consoles if isinstance(consoles, Switch) else None
        self._escape, self._limit, self._reports = escape, limit, reports
        self._terminal: Terminal | None = None
        self._left = False
        self._commands: deque[str] = deque()
        self._table = host_table.HostTable(host)
        self._drawn = 0.0
        self._adapts = adapts
        self._input_ended = self._switch is None
        self._cards = [card for guest in host.guests.values() for card in guest.network_cards]
        self._next_watch = 0
        self._watches = {name: IdleWatch(guest, idle_limit) for name, guest in host.guests.items()}
        self.debugger: Attendant | None = None
        """The debugger, which may stop guests, if there is one."""
        host.when_ended = self._announce
        host.time_sharing.wait_for_input = self._switch is not None

    def run(self) -> Outcome:
        """Run until the guests or the user end it; the terminal is restored in any case."""
        if self._switch is not None:
            self._terminal = Terminal(0)
        number, code = None, 1
        try:
            with in_front(self._terminal, self._host.time_sharing.host_stood_still):
                if self._terminal is not None:
                    keys = EscapeKey(self._escape, self)
                    start_reading(0, self._terminal, keys.type, self.end_of_input)
                    self._consoles.message(self._greeting())
                stop = self._drive()
                code = self._exit_code(stop)
        except Ended as ended:
            stop, number = Stop(StopReason.INTERRUPTED), ended.number
        except OutputClosed:
            stop, number = Stop(StopReason.INTERRUPTED, signals.READER_GONE), None
        finally:
            if self.debugger is not None:
                self.debugger.ended(code)
            self._show_consoles()
            self._output.clears = False
        if number is not None:
            return Outcome(stop, 128 + number, number)
        return Outcome(stop, self._exit_code(stop))

    def _exit_code(self, stop: Stop) -> int:
        if stop.reason is StopReason.INTERRUPTED and stop.exit_code:
            return stop.exit_code
        if any(guest.crashed for guest in self._host.guests.values()):
            return 1
        return {StopReason.CYCLE_LIMIT: CYCLE_LIMIT, StopReason.IDLE: IDLE}.get(stop.reason, 0)

    # The host.

    def _drive(self) -> Stop:
        host, limit = self._host, self._limit

        def run() -> Stop:
            with host.observers.added(self):
                return host.run(cycles=None if limit is None else max(limit - host.cycles, 0))

        return drive(run, self.debugger, self._look_in)

    def stopped(self, stop: Stop) -> Stop | None:
        while self._commands:
            self._obey(self._commands.popleft())
        if self._left:
            return Stop(StopReason.INTERRUPTED, 0, "left by the user")
        if self._switch is not None and self._switch.held:
            self._draw()
        runs_on = stop.reason is StopReason.INTERRUPTED and self.debugger is None
        return RUN_ON if runs_on else None

    def _look_in(self) -> bool:
        """Asked every now and then while the guests stand: does the user want something?"""
        self._consoles.pulse(True)
        return self._left or bool(self._commands)

    def all_wait(self) -> None:
        self._consoles.pulse(True)

    def between_bursts(self) -> Stop | None:
        """Is this the end?"""
        self._consoles.pulse(False)
        now = self._host.cycles
        if now < self._next_watch:
            return None
        self._next_watch = now + self._host.cycles_per_second
        in_company = any(card.carrier for card in self._cards)
        if self._adapts:
            flies = self._input_ended and not in_company
            self._host.time_sharing.pace = "fast" if flies else "real"
        if self._input_ended and not in_company and self._nothing_happens():
            return Stop(StopReason.IDLE, None, "all guests wait for input")
        return None

    def _nothing_happens(self) -> bool:
        """Whether all guests that are left wait for input that cannot come."""
        # A list, so that each watch is asked each time.
        waiting = [
            guest.waits_for_input
            or (guest.paced_input.pending == 0 and self._watches[name].nothing_happens())
            for name, guest in self._host.guests.items()
            if guest.stop is None
        ]
        return bool(waiting) and all(waiting)

    def _announce(self, guest: Guest) -> None:
        """Say that a guest has ended, and how; report on one that has failed, if that is wanted."""
        self._say(guest, ending(guest))
        if self._reports and guest.crashed:
            told = guest.stop is not None and guest.stop.reason is StopReason.FATAL
            for line in guest.report(guest.stop).lines(with_message=not told):
                self._say(guest, line)

    # The user. `type`, `command` and `end_of_input` are called from the keyboard's thread.

    def type(self, data: bytes) -> None:
        """Characters for the guest that is shown."""
        if self._switch is not None and not self._switch.held:
            self._visible.type(data)

    def command(self, letter: str) -> None:
        """A key after the escape key."""
        if letter == "z":
            signals.stop_job()
            return
        self._commands.append(letter)
        self._host.time_sharing.interrupt()

    def end_of_input(self) -> None:
        """The terminal is gone."""
        self._input_ended = True
        self._host.time_sharing.close_input()

    @property
    def _visible(self) -> Guest:
        assert self._switch is not None
        return self._host.guests[self._switch.names[self._switch.visible]]

    def _obey(self, letter: str) -> None:
        switch = self._switch
        if switch is None:
            return
        count = len(switch.names)
        if letter == "x":
            self._left = True
        elif letter == "n":
            switch.show((switch.visible + 1) % count)
        elif letter == "p":
            switch.show((switch.visible - 1) % count)
        elif "1" <= letter <= "9" and int(letter) <= count:
            switch.show(int(letter) - 1)
        elif letter == "t":
            if switch.held:
                self._show_consoles()
            else:
                self._show_table()
        elif letter == "l":
            for number, guest in enumerate(self._host.guests.values(), 1):
                mark = "*" if number == switch.visible + 1 else " "
                text = ending(guest) if guest.stop is not None else guest.state.value
                switch.message(f"{mark}{number} {guest.name}: {text}")
        elif letter == "s":
            self._save()
        elif letter == "w":
            from kseg.cli.console.diagnostics import threads_in_words

            for line in threads_in_words(list(self._host.guests.values())[switch.visible]):
                switch.message(line)
        elif letter in "h?":
            for line in HELP.format(escape=f"Ctrl-{chr((self._escape or 0) + 64)}").splitlines():
                if line:
                    switch.message(line)

    def _save(self) -> None:
        """Save the guest that is shown, in a file whose name says what it is."""
        from kseg.cli.console.saves import Saves

        guest = self._visible
        try:
            Saves(guest, (), None, partial(self._say, guest)).save_here(guest.name)
        except KsegError as error:
            self._consoles.message(str(error))

    def _say(self, guest: Guest, text: str) -> None:
        self._consoles.message(f"{guest.name}: {text}")

    def _greeting(self) -> str:
        count = len(self._host.guests)
        if self._escape is None:
            return f"{count} guests"
        key = f"Ctrl-{chr(self._escape + 64)}"
        return f"{count} guests; {key} n: the next one, {key} h: other keys"

    # The table.

    def _show_table(self) -> None:
        assert self._switch is not None
        self._switch.hold()
        self._output.screen(host_table.ENTER)
        self._drawn = 0.0

        def refresh() -> None:
            while self._switch is not None and self._switch.held:
                time.sleep(REFRESH)
                self._host.time_sharing.interrupt()

        threading.Thread(target=refresh, name="table", daemon=True).start()

    def _draw(self) -> None:
        if time.monotonic() - self._drawn >= REFRESH / 2:
            self._drawn = time.monotonic()
            self._output.screen(self._table.draw())

    def _show_consoles(self) -> None:
        if self._switch is not None and self._switch.held:
            self._output.screen(host_table.LEAVE)
            self._switch.release()


def ending(guest: Guest) -> str:
    """How a guest has ended, for its user."""
    stop = guest.stop
    assert stop is not None
    if not guest.crashed:
        return stop.message
    if stop.reason is StopReason.POWER_OFF:
        return f"{stop.message} after it had asked for a debugger"
    pc = guest.board.processors[0].pc
    return f"failed before pc {pc:#010x}: {stop.message}"
