"""One guest under a chosen monitor: what its memory is made of, and what executes it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from kseg import engine as engines
from kseg.engine.contract import Engine
from kseg.engine.state import ProcessorState
from kseg.errors import ConfigurationError
from kseg.memory.physical import PhysicalMemory
from kseg.monitor import BARE, HYBRID, TRAP_AND_EMULATE

if TYPE_CHECKING:
    from kseg.memory.layer import Layer
    from kseg.memory.paged import PagedMemory
    from kseg.monitor.hypervisor.hypervisor import Hypervisor
    from kseg.monitor.hypervisor.virtual_processor import VirtualProcessor


class Guest(Protocol):
    """A board, as far as its processors and memory go."""

    profile: str
    byte_order: str
    memory: PhysicalMemory

    @property
    def processors(self) -> Sequence[ProcessorState]: ...


class Surface:
    """What a guest runs on. First `memory` makes its memory, then `engine_for` its engine."""

    def __init__(
        self,
        monitor: str,
        profile: str,
        byte_order: str,
        engine: str,
        quantum: int = 1,
        *,
        window: int | None = None,
        rewriting: bool = True,
        layer: "Layer | None" = None,
    ) -> None:
        """`monitor` is one of `kseg.monitor.CHOICES`, `engine` one of `kseg.engine.CHOICES`.

        `window` is where the guest's kernel is linked if not in kseg0: ConfigurationError on the
        bare machine, which has nothing there. `rewriting` is the hypervisor's. `layer` is
        what RAM holds at first, on the bare machine.
        """
        if window is not None and monitor == BARE:
            raise ConfigurationError(
                f"the kernel is linked at {window:#010x}, for a monitor that runs it in user mode;"
                f" choose one: --monitor {TRAP_AND_EMULATE}"
            )
        self._monitor, self._profile, self._byte_order = monitor, profile, byte_order
        self._engine, self._quantum, self._window = engine, quantum, window
        self._rewriting = rewriting
        self._layer = layer
        self.window = window
        """Where the guest's kernel is linked if not in kseg0."""
        self._paged: PagedMemory | None = None
        self._close: Callable[[], None] = lambda: None
        self.hypervisor: Hypervisor | None = None
        self.guest: VirtualProcessor | None = None
        """What the guest's board takes for its processor, if there is a monitor."""

    def memory(self, ram_size: int) -> PhysicalMemory:
        """Physical memory with so many bytes of RAM, in the hardware's if there is a monitor."""
        if self._monitor == BARE:
            return PhysicalMemory(ram_size, self._layer)
        from kseg.memory.paged import PagedMemory
        from kseg.monitor.hypervisor.hypervisor import Hypervisor

        self.hypervisor = Hypervisor(
            self._profile, self._byte_order, ram_size, self._engine, rewriting=self._rewriting
        )
        memory = PagedMemory(ram_size, self.hypervisor.memory)
        self.hypervisor.allocator.fill(memory)
        self._paged = memory
        return memory

    def engine_for(self, board: Guest, like: Engine | None = None) -> Engine:
        """What executes the board's processors; ConfigurationError where there are more than the
        monitor has. On the bare machine it may be `like` another (see `kseg.engine.create`)."""
        if self.hypervisor is None or self._paged is None:
            bare = engines.create(
                self._engine,
                board.profile,
                board.byte_order,
                board.memory,
                board.processors,
                self._quantum,
                like,
            )
            self._close = bare.close
            return bare
        if len(board.processors) != 1:
            raise ConfigurationError(
                f"monitor {self._monitor}: a guest has one processor, not {len(board.processors)};"
                " use --cpus 1, or the bare machine"
            )
        self.guest = self.hypervisor.add(
            board.processors[0],
            self._paged,
            hybrid=self._monitor == HYBRID,
            window=self._window,
        )
        self._close = self.hypervisor.close
        return self.guest

    def close(self) -> None:
        """Nothing will be run any more: the engine gives back what lies outside the process."""
        self._close()
