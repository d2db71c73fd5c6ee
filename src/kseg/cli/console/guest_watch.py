"""Looks after a guest that runs with a user in front of it."""

from kseg.api.machine import Machine
from kseg.cli.console.idle_watch import IdleWatch
from kseg.cli.output import Output
from kseg.monitor.boot_rom import is_lost, lost
from kseg.monitor.burst_loop import NEVER, Look
from kseg.monitor.observer import RUN_ON, Observer, Order
from kseg.monitor.stop import Stop, StopReason


class GuestWatch(Observer):
    """Between two bursts what the guest has printed goes out, idle time gets its pace, and a guest
    is noticed that is lost, or waits for what will never come."""

    order = Order.USER

    def __init__(
        self, machine: Machine, output: Output, pace: str, idle_limit: float, *, ended: bool
    ) -> None:
        """`pace` and `idle_limit` are those of `kseg.cli.console.session.Conditions`. `ended`:
        there will be no input but what is typed already."""
        self._machine, self._output = machine, output
        self._idle_watch = IdleWatch(machine, idle_limit)
        self._cards = machine.network_cards
        self._ended = ended
        self._adapts = pace == "auto"
        self._idling = machine.monitor.idling
        # Until the first check, which is soon.
        self._idling.pace = "fast" if self._adapts else pace
        self._idling.wait_for_input = not ended

    def end_of_input(self) -> None:
        """Nothing will come any more: from any thread."""
        self._ended = True
        port = self._machine.board.input_port
        port.close()
        if self._adapts:
            port.disturb()  # It may be asleep, at the pace of before.

    @property
    def looks(self) -> Look:
        return Look.OFTEN

    @property
    def look_at(self) -> int:
        return self._idle_watch.next_look if self._waits else NEVER

    @property
    def _in_company(self) -> bool:
        """A packet may come from the hub at any time."""
        return any(card.carrier for card in self._cards)

    @property
    def _waits(self) -> bool:
        """Whether nothing will ever come in."""
        return self._ended and not self._machine.typing and not self._in_company

    def between_bursts(self) -> Stop | None:
        machine = self._machine
        self._output.pulse(machine.board.all_idle)
        if is_lost(machine.board):
            return lost(machine.board)
        if self._adapts:
            # No user wants to wait for a script; but while the other end of a pipe thinks, or other
            # machines do, time must not fly.
            flies = (self._ended or machine.typing) and not self._in_company
            self._idling.pace = "fast" if flies else "system161"
        if self._waits and self._idle_watch.nothing_happens():
            return Stop(StopReason.IDLE, None, "the guest waits for input")
        return None

    def stopped(self, stop: Stop) -> Stop | None:
        """Input may still come to a guest that waits for it."""
        return RUN_ON if stop.reason is StopReason.IDLE and not self._ended else None
