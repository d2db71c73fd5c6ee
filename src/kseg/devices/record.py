"""A device as native code knows it, and what `Device` offers to its methods, as typed Python.

`kseg.devices.native` makes native code of the methods of a device. There `self` is a
`DeviceRecord`, and the words here stand for those of the same names in `Device`.
"""

from typing import TYPE_CHECKING, Annotated, Any

from kseg.devices.device import Device, Register, event_method
from kseg.devices.lines import MOST_SLOTS
from kseg.engine.codegen.typed import Structure, below, u32, u64, unheard
from kseg.machine.board_record import MOST_PROCESSORS, BoardRecord
from kseg.machine.clock import EventClock
from kseg.machine.live import live
from kseg.machine.statistics import DeviceActivity


class DeviceRecord(Structure):
    """Where a device's parts are."""

    slot: u32
    number: u32
    """Under which the clock knows it."""
    board_address: u64
    state_address: u64
    options_address: u64
    facts_address: u64


if TYPE_CHECKING:
    Activity = Any
else:
    Activity = live(DeviceActivity)

# What these stand for is another thing for each device, and each bus: see `native`.
StateType: Any = None
OptionsType: Any = None
FactsType: Any = None
LinesType: Any = None


class Words(DeviceRecord):
    """What a device's methods can use natively."""

    @property
    def board(self) -> BoardRecord:
        return BoardRecord.from_address(self.board_address)

    @property
    def state(self) -> Any:
        return StateType.from_address(self.state_address)

    @property
    def options(self) -> Any:
        return OptionsType.from_address(self.options_address)

    @property
    def facts(self) -> Any:
        return FactsType.from_address(self.facts_address)

    @property
    def lines(self) -> Any:
        return LinesType.from_address(self.board.lines_address)

    @property
    def clock(self) -> EventClock:
        return EventClock.from_address(self.board.clock_address)

    @property
    def activity(self) -> Activity:
        return Activity.from_address(self.board.activity_address)

    @property
    def asking_processor(self) -> Annotated[int, below(MOST_PROCESSORS)]:
        return int(self.lines.asking_processor % MOST_PROCESSORS)

    @property
    def interrupt(self) -> bool:
        return bool(self.lines.line(self.slot % MOST_SLOTS))

    @interrupt.setter
    def interrupt(self, level: bool) -> None:
        self.lines.set_line(self.slot % MOST_SLOTS, level)

    def schedule(self, delay: u64, name: u32, argument: int = 0) -> None:
        self.clock.add(delay, self.number, name, argument)

    def drop_oldest(self, name: u32) -> None:
        self.clock.drop_oldest(self.number, name)

    def print_character(self, character: u32) -> None:
        self.activity.console_writes += 1
        self.board.print_character(character)

    def refuse(self) -> None:
        """Something is wrong, and nothing has been done: have Python do it all."""
        self.board.refused = True

    def call_python(self, method: u32, argument: u64) -> u32:
        """Have one of its methods done that are `by_python`; what it returns, or 0."""
        return self.board.call_python(self.number, method, argument)

    @unheard
    def tick_doom(self) -> None:
        """While there is a doom counter, CPython runs the devices."""

    @unheard
    def trace(self) -> None:
        """Where devices are traced, CPython runs them."""


def access_symbol(kind: type[Device], verb: str, register: Register) -> str:
    """The native function that reads or writes (`verb`) a register."""
    return f"{kind.name}.{verb}_{register.name}"


RECEIVER = "take_character"
"""The method of a device that has the console and takes what is typed natively, too."""


def receiver_symbol(kind: type[Device]) -> str:
    """The native function for what is typed."""
    return f"{kind.name}.{RECEIVER}"


def event_symbol(kind: type[Device], event: str) -> str:
    """The native function for an event."""
    return f"{kind.name}.{event_method(event)}"
