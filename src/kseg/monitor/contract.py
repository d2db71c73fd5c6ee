"""The contract of a monitor: something that a machine is put on.

The run loop (`kseg.monitor.run_loop`) serves a board's devices and time, and lets an engine execute
what is between (`kseg.engine.contract.Engine`). It does not know what that engine is: the hardware
itself, on the bare machine, or a vCPU, under a monitor, below which there is an engine with a
supervised processor (`Hardware`) and what handles its traps (`Supervisor`). So all that tells one
monitor from another, and from the bare machine, is which memory and which engine a board is given.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from kseg.engine.contract import Engine
from kseg.engine.state import ProcessorState
from kseg.memory.physical import PhysicalMemory

if TYPE_CHECKING:
    from kseg.monitor.hypervisor.virtual_processor import VirtualProcessor


class ProcessorsAndMemory(Protocol):
    """A board, as far as its processors and memory go."""

    profile: str
    byte_order: str
    memory: PhysicalMemory

    @property
    def processors(self) -> Sequence[ProcessorState]: ...


class Placement(Protocol):
    """First `memory` makes a board's memory, then `engine_for` its engine."""

    @property
    def guest(self) -> "VirtualProcessor | None":
        """What the board takes for its engine, if there is a monitor."""
        ...

    def memory(self, profile: str, byte_order: str, ram_size: int) -> PhysicalMemory:
        """Physical memory with so many bytes of RAM, for processors of a profile;
        ConfigurationError where it is not to be had."""
        ...

    def engine_for(self, board: ProcessorsAndMemory) -> Engine:
        """What executes the board's processors, when its memory holds what it begins with."""
        ...

    def close(self) -> None:
        """Nothing will be run any more: memory and engine are given back. A second time does
        nothing."""
        ...
