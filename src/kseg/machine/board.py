"""The contract of a board (QEMU: machine type): what the run loop and monitors need of it."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from kseg.engine.state import ProcessorState
from kseg.machine.clock import EventClock
from kseg.machine.input_port import InputPort
from kseg.machine.preemption import Preemption
from kseg.machine.statistics import DeviceActivity
from kseg.memory.physical import PhysicalMemory


class Foreseeable(Protocol):
    """A register whose next values depend on nothing but how often it is read."""

    def foresee(self, count: int) -> list[int]:
        """The next `count` words that reading would bring, at present; reads nothing."""
        ...

    def read_foreseen(self, count: int) -> None:
        """The first `count` of the words foreseen last have been read."""
        ...


class Bus(Protocol):
    """Registers by physical address; BusError where nothing answers, GuestFatal where the
    hardware does not survive it."""

    asking_processor: int
    """Which processor made the last access."""
    steady_words: set[int]
    """Physical addresses of registers whose words can be read again without asking."""
    foreseeable_words: dict[int, "Foreseeable"]
    """By physical address: registers that know what reading them again will bring."""

    def read(self, processor: int, address: int, size: int) -> int: ...

    def write(
        self, processor: int, address: int, size: int, value: int, mask: int = ...
    ) -> None: ...

    def peek(self, address: int, size: int) -> int: ...

    @property
    def all_idle(self) -> bool:
        """Whether no processor would execute anything."""
        ...


class Board(Protocol):
    """A machine without an engine."""

    profile: str
    byte_order: str
    memory: PhysicalMemory
    clock: EventClock
    input_port: InputPort
    activity: DeviceActivity
    message: Callable[[str], None]
    powered_off: bool
    debugger_requested: bool
    """Whether the guest ever asked for a debugger."""
    debugger_pending: bool
    """Whether it asks now; a monitor clears it."""

    @property
    def processors(self) -> Sequence[ProcessorState]: ...

    @property
    def preemptions(self) -> Sequence[Preemption]:
        """Those to come, in order."""
        ...

    def preempt(self) -> None:
        """Let the next of them happen."""
        ...

    @property
    def bus(self) -> Bus: ...

    def save(self) -> Any: ...

    def load(self, state: Any) -> None: ...

    def reset(self) -> None: ...

    def close(self) -> None: ...
