"""What a debugger needs of a machine: `kseg.Machine` has it."""

from collections.abc import Callable, Iterable, MutableMapping, Sequence
from typing import Protocol

from kseg.engine.contract import Engine
from kseg.engine.state import ProcessorState
from kseg.machine.system161 import System161
from kseg.monitor.bare import BareMonitor, Stop


class Processor(Protocol):
    """One processor; see `kseg.api.processor`."""

    @property
    def state(self) -> ProcessorState: ...

    @property
    def registers(self) -> MutableMapping[str | int, int]: ...

    @property
    def tlb(self) -> Iterable[object]: ...

    @property
    def in_user_mode(self) -> bool: ...

    @property
    def condition(self) -> str: ...


class VirtualMemory(Protocol):
    """Bytes at a processor's virtual addresses; LookupError where there are none."""

    def physical(self, address: int) -> int:
        """What a virtual address leads to."""
        ...

    def read(self, address: int, length: int) -> bytes:
        """Without any effect on the guest."""
        ...

    def write(self, address: int, data: bytes) -> None:
        """Memory only; device registers are LookupError."""
        ...


class Memory(Protocol):
    """See `kseg.api.memory`."""

    def virtual(self, processor: int = 0) -> VirtualMemory: ...


class Machine(Protocol):
    """A machine with a guest in it."""

    @property
    def board(self) -> System161: ...

    @property
    def engine(self) -> Engine: ...

    @property
    def monitor(self) -> BareMonitor: ...

    @property
    def processors(self) -> Sequence[Processor]: ...

    @property
    def memory(self) -> Memory: ...

    def run(
        self, *, until: Callable[[], bool] | None = None, cycles: int | None = None
    ) -> Stop: ...
