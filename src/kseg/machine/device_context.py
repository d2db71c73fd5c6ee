"""What a board and its devices are to each other: what a board gives to them, and what they can ask
of it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from kseg.machine.clock import EventClock
from kseg.machine.input_port import InputPort
from kseg.machine.random_generator import RandomGenerator
from kseg.memory.physical import PhysicalMemory

if TYPE_CHECKING:
    from kseg.machine.disk_image import Disk


class DeviceContext(msgspec.Struct, frozen=True):
    """What a board gives to its devices."""

    clock: EventClock
    random: RandomGenerator
    memory: PhysicalMemory
    directory: Path
    """What relative paths in the configuration are relative to."""
    byte_order: str
    """"big" or "little": which bytes of a register's word a narrower access means."""
    input_port: InputPort
    activity: Any
    """Counts what devices do: a `DeviceActivity` that is live."""
    console: Callable[[bytes], None]
    """Takes what the guest writes to its console."""
    message: Callable[[str], None]
    """Takes what the machine has to say to its user, a line without its end."""
    control: "BoardControl"
    disks: Mapping[int, "Disk"] = msgspec.field(default_factory=dict)
    """Disks that are in their drives already, by slot."""


class BoardControl(Protocol):
    """What a device can ask of the machine as a whole."""

    trace_flags: set[str]
    """Letters of the traces that are on."""
    device_trace: Callable[[str, int, str], None] | None
    """Takes what devices tell of what they do, while they are traced: the kind of device,
    its slot, and a text."""

    def trace_flags_changed(self) -> None:
        """A card has written `trace_flags`."""
        ...

    can_profile: bool
    """Whether a profiler takes samples."""
    profiling: bool
    """Whether the guest wants them to be taken."""
    profile_clears: int
    """How often the guest has asked for all samples to be forgotten."""

    def request_debugger(self) -> None:
        """Stop for a debugger after this cycle."""
        ...

    def power_off(self) -> None:
        """Stop for good after this round of events."""
        ...

    def beep(self) -> None: ...

    def dump(self) -> None:
        """Write the whole state to the user as messages."""
        ...

    def tick_doom(self) -> None:
        """A disk write that counts for the doom counter; DoomReached when it comes to zero."""
        ...
