"""The meter: counters of the whole machine, reported again and again while clients want them.

System/161 manual, "Metering", and its protocol's text. A client's reports are events of the
machine, as on System/161: their times have the jitter of all events. So a client that comes, asks
for another interval or goes is input; it enters by the machine's
input port, and a run that is repeated has the same events.

All that is known of a client lies in its pending event: `number << 32 | interval`.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from kseg.engine.state import ProcessorState
from kseg.errors import StateError
from kseg.machine.clock import EventClock
from kseg.machine.event_queue import Event
from kseg.machine.input_port import InputPort
from kseg.machine.statistics import DeviceActivity, retired

if TYPE_CHECKING:
    from kseg.boards.system161.board import System161

OWNER = "meter"
"""The name under which the clock and the input port know the meter."""
REPORT = "perfmeter"

HEAD = "HEAD nsec kinsns uinsns udud idle irqs exns disk con emu net"
WIDTHS = "WIDTH 11 9 9 4 9 4 4 4 5 4 4"

DEFAULT_INTERVAL = 200_000_000
SHORTEST_INTERVAL = 10_000
LONGEST_INTERVAL = 2_000_000_000
"""ns, all three."""

MOST_CLIENTS = 16
LARGEST_NUMBER = 1 << 20
"""Clients are numbered from 1."""


def report(
    time: int,
    processors: Sequence[ProcessorState],
    idle_cycles: int,
    activity: DeviceActivity,
) -> str:
    """A line of data, between two bursts: totals since power-on. `idle_cycles` are those in which
    every processor idled; as on System/161 they count for each of them."""
    completed = [retired(each) for each in processors]
    user = sum(each[1] for each in completed)
    exceptions = [list(each.exceptions) for each in processors]
    columns = (
        time,
        sum(each[0] for each in completed),
        user,
        sum(each.user_cycles for each in processors) - user,
        sum(each.idle_cycles + idle_cycles for each in processors),
        sum(each[0] for each in exceptions),
        sum(sum(each[1:]) for each in exceptions),
        activity.disk_reads + activity.disk_writes,
        activity.console_reads + activity.console_writes,
        activity.file_reads + activity.file_writes + activity.file_others,
        activity.packets_received + activity.packets_sent,
    )
    return "DATA " + " ".join(map(str, columns))


class Meter:
    """A board's meter. Clients, by number, are told lines; in a replay none is,
    and the events are the same."""

    def __init__(self, board: "System161") -> None:
        self._board = board
        self._clock: EventClock = board.clock
        self._input_port: InputPort = board.input_port
        self.listeners: dict[int, Callable[[str], None]] = {}
        self._last_number = 0
        self._clock.register(OWNER, self, keeps_time=True)
        self._input_port.attach(OWNER, self)

    # The host's side: any thread.

    def open(self, listener: Callable[[str], None]) -> int:
        """Let `listener` have reports from now on; returns its number."""
        self._last_number = number = self._last_number % LARGEST_NUMBER + 1
        self.listeners[number] = listener
        self._input_port.put(OWNER, b"open %d" % number)
        return number

    def set_interval(self, number: int, interval: int) -> None:
        """After the next report, one each `interval` ns."""
        self._input_port.put(OWNER, b"interval %d %d" % (number, interval))

    def close(self, number: int) -> None:
        """No more reports."""
        if self.listeners.pop(number, None) is not None:
            self._input_port.put(OWNER, b"close %d" % number)

    @property
    def busy(self) -> bool:
        """Whether the machine has not taken yet what was wanted of it."""
        return self._input_port.backlog(OWNER) >= MOST_CLIENTS

    # The machine's side.

    def can_receive(self) -> bool:
        return True

    def receive(self, data: bytes) -> None:
        """What a client wants. Logs come from strangers: what makes no sense does nothing."""
        word, *numbers = data.split(b" ")
        if not all(each.isdigit() and len(each) < 12 for each in numbers):
            return
        match word, [int(each) for each in numbers]:
            case b"open", [number]:
                if 1 <= number <= LARGEST_NUMBER and len(self._pending) < MOST_CLIENTS:
                    self._report(number, DEFAULT_INTERVAL)
            case b"interval", [number, interval]:
                if SHORTEST_INTERVAL <= interval <= LONGEST_INTERVAL:
                    self._change(number, interval)
            case b"close", [number]:
                # Its event still comes, as on System/161, and is the last.
                self._change(number, 0)

    def on_event(self, _name: str, argument: int, /) -> None:
        number, interval = argument >> 32, argument & 0xFFFFFFFF
        if interval:
            self._report(number, interval)

    def _report(self, number: int, interval: int) -> None:
        board = self._board
        listener = self.listeners.get(number)
        if listener is not None:
            clock = self._clock
            listener(report(clock.now, board.processors, clock.idle_cycles, board.activity))
        self._clock.schedule(interval, OWNER, REPORT, number << 32 | interval)

    @property
    def _pending(self) -> list[Event]:
        return [event for event in self._clock.pending if event.owner == OWNER]

    def _change(self, number: int, interval: int) -> None:
        for event in self._pending:
            if event.argument >> 32 == number and event.argument & 0xFFFFFFFF:
                self._clock.replace(
                    event, msgspec.structs.replace(event, argument=number << 32 | interval)
                )

    def save(self) -> list[int]:
        """The pending events' arguments: what `restart` begins again after a reset."""
        return [event.argument for event in self._pending]

    def restart(self, arguments: Sequence[int]) -> None:
        """All events were forgotten: go on with those that were pending."""
        for argument in arguments:
            self.on_event(REPORT, argument)

    def hang_up(self) -> None:
        """The machine has become another one, which goes its own way: clients of that one's meter
        are not here, and its own clients begin anew."""
        self._input_port.drop(OWNER)
        for number in {argument >> 32 for argument in self.save()} - self.listeners.keys():
            self._input_port.put(OWNER, b"close %d" % number)
        for number in self.listeners:
            self._input_port.put(OWNER, b"close %d" % number)
            self._input_port.put(OWNER, b"open %d" % number)

    def check_event(self, name: str, argument: int) -> None:
        """Raise StateError unless a saved state may have such an event of the meter pending."""
        number, interval = argument >> 32, argument & 0xFFFFFFFF
        known = SHORTEST_INTERVAL <= interval <= LONGEST_INTERVAL or not interval
        if name != REPORT or not 1 <= number <= LARGEST_NUMBER or not known:
            raise StateError(f"saved state: the meter cannot have an event {name} {argument}")
