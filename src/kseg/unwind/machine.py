"""What debugging needs of a machine: `kseg.Machine` and a guest of a `kseg.Host` have it."""

from collections.abc import Callable, Iterable, MutableMapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from kseg.engine.contract import Engine
from kseg.engine.state import ProcessorState
from kseg.machine.board import Board
from kseg.monitor.run_loop import RunLoop
from kseg.monitor.stop import Stop

if TYPE_CHECKING:
    from kseg.symbols.symbol_table import Symbols


class TlbEntry(Protocol):
    """An entry of a TLB; see `kseg.api.processor`."""

    @property
    def number(self) -> int: ...

    @property
    def page(self) -> int: ...

    @property
    def asid(self) -> int: ...

    @property
    def frame(self) -> int: ...

    @property
    def uncached(self) -> bool: ...

    @property
    def writable(self) -> bool: ...

    @property
    def valid(self) -> bool: ...

    @property
    def every_space(self) -> bool: ...


class Processor(Protocol):
    """One processor; see `kseg.api.processor`."""

    @property
    def state(self) -> ProcessorState: ...

    @property
    def registers(self) -> MutableMapping[str | int, int]: ...

    @property
    def tlb(self) -> Iterable[TlbEntry]: ...

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
    """A machine with a guest in it. What can be asked of one of many guests."""

    kernel: Path

    @property
    def board(self) -> Board: ...

    @property
    def engine(self) -> Engine: ...

    @property
    def monitor(self) -> RunLoop: ...

    @property
    def processors(self) -> Sequence[Processor]: ...

    @property
    def memory(self) -> Memory: ...

    @property
    def symbols(self) -> "Symbols": ...


class DebuggedMachine(Machine, Protocol):
    """One that a debugger is attached to."""

    def reset(self) -> None:
        """Back to power-on; KsegError where that is not possible."""
        ...


class RunnableMachine(DebuggedMachine, Protocol):
    """`kseg.Machine`: one that nothing else runs."""

    def run(
        self, *, until: Callable[[], bool] | None = None, cycles: int | None = None
    ) -> Stop: ...
