"""A board's bus, as the run loop and inspection see it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from kseg.devices.device import Device


class InterruptLines(Protocol):
    """The interrupt lines of a bus, as those see them who trace."""

    @property
    def is_traced(self) -> bool:
        """Whether any are traced."""
        ...

    line_trace: Callable[[int, bool], None] | None
    """Takes each slot's interrupt line that changes, while they are traced."""
    processor_line_trace: Callable[[int], None] | None
    """The same for processors one of whose lines has changed, by number."""


class Bus(Protocol):
    """Registers by physical address; BusError where nothing answers, GuestFatal where the
    hardware does not survive it."""

    asking_processor: int
    """Which processor made the last access."""
    steady_words: set[int]
    """Physical addresses of registers whose words can be read again without asking."""

    @property
    def lines(self) -> InterruptLines:
        """The lines of its slots."""
        ...

    @property
    def lines_address(self) -> int:
        """Where native code finds them."""
        ...

    @property
    def windows(self) -> Sequence[range]:
        """The physical addresses at which there can be registers."""
        ...

    @property
    def cards(self) -> Sequence["Device"]:
        """The devices, by slot."""
        ...

    def read(self, processor: int, address: int, size: int) -> int: ...

    def write(
        self, processor: int, address: int, size: int, value: int, mask: int = ...
    ) -> None: ...

    def peek(self, address: int, size: int) -> int: ...
