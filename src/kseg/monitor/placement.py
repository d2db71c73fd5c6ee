"""What a machine is put on, with a monitor between guest and hardware or without one: implements
`kseg.monitor.contract`.

The bare machine has memory and an engine of its own. Under a monitor RAM lies in the hardware's,
and what is taken for the engine is a virtual processor; the monitor has one guest, or many.
"""

from typing import TYPE_CHECKING, Any

from kseg import engine as engines
from kseg.engine.contract import Engine
from kseg.errors import ConfigurationError
from kseg.memory.physical import PhysicalMemory
from kseg.monitor import BARE, HYBRID, TRAP_AND_EMULATE
from kseg.monitor.contract import Placement, ProcessorsAndMemory

if TYPE_CHECKING:
    from kseg.memory.layer import Layer
    from kseg.memory.paged import PagedMemory
    from kseg.monitor.hypervisor.hypervisor import Hypervisor
    from kseg.monitor.hypervisor.virtual_processor import VirtualProcessor


class BarePlacement:
    """A machine by itself: no monitor between guest and hardware."""

    guest = None

    def __init__(
        self,
        engine: str,
        quantum: int = 1,
        *,
        layer: "Layer | None" = None,
        like: Engine | None = None,
        compiler_share: int = engines.COMPILER_SHARE,
    ) -> None:
        """`engine` is one of `kseg.engine.CHOICES`. `layer` is what RAM holds at first; what the
        engine is `like` it has its native code in common with (see `kseg.engine.create`)."""
        self._name, self._quantum, self._layer, self._like = engine, quantum, layer, like
        self._compiler_share = compiler_share
        self._engine: Engine | None = None

    def memory(self, profile: str, byte_order: str, ram_size: int) -> PhysicalMemory:  # noqa: ARG002
        return PhysicalMemory(ram_size, self._layer)

    def engine_for(self, board: ProcessorsAndMemory) -> Engine:
        self._engine = made = engines.create(
            self._name,
            board.profile,
            board.byte_order,
            board.memory,
            board.processors,
            self._quantum,
            self._like,
            self._compiler_share,
        )
        return made

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()


class MonitoredPlacement:
    """A guest under a monitor."""

    hypervisor: "Hypervisor"
    paged: "PagedMemory | None" = None

    def __init__(self, monitor: str, window: int | None) -> None:
        """`monitor` is one of `kseg.monitor.CHOICES`, but not the bare machine; `window` is where
        the guest's kernel is linked if not in kseg0."""
        self._monitor, self._window = monitor, window
        self.guest: VirtualProcessor | None = None

    def engine_for(self, board: ProcessorsAndMemory) -> Engine:
        assert self.paged is not None
        if any(region.executable for region in self.paged.regions if region is not self.paged.ram):
            raise ConfigurationError(
                f"monitor {self._monitor}: it executes no code in ROM, which this board has; use"
                " the bare machine"
            )
        if len(board.processors) != 1:
            raise ConfigurationError(
                f"monitor {self._monitor}: a guest has one processor, not {len(board.processors)};"
                " use --cpus 1, or the bare machine"
            )
        self.guest = self.hypervisor.add(
            board.processors[0],
            self.paged,
            hybrid=self._monitor == HYBRID,
            window=self._window,
        )
        return self.guest


class LonePlacement(MonitoredPlacement):
    """The only guest of a monitor, whose memory is all there is."""

    def __init__(self, engine: str, monitor: str, window: int | None, **options: Any) -> None:
        """`engine` is one of `kseg.engine.CHOICES`; `options` are the hypervisor's."""
        super().__init__(monitor, window)
        self._engine, self._options = engine, options

    def memory(self, profile: str, byte_order: str, ram_size: int) -> PhysicalMemory:
        from kseg.memory.paged import PagedMemory
        from kseg.monitor.hypervisor.hypervisor import Hypervisor

        try:
            self.hypervisor = Hypervisor(
                profile, byte_order, ram_size, self._engine, **self._options
            )
        except ValueError as error:
            raise ConfigurationError(f"monitor {self._monitor}: {error}") from None
        self.paged = PagedMemory(ram_size, self.hypervisor.memory)
        self.hypervisor.allocator.fill(self.paged)
        return self.paged

    def close(self) -> None:
        if self.paged is not None:
            self.hypervisor.close()


class SharedPlacement(MonitoredPlacement):
    """One of the guests of a monitor, each with a part of its memory."""

    def __init__(self, hypervisor: "Hypervisor", monitor: str, window: int | None) -> None:
        super().__init__(monitor, window)
        self.hypervisor = hypervisor

    def memory(self, profile: str, byte_order: str, ram_size: int) -> PhysicalMemory:  # noqa: ARG002
        from kseg.memory.paged import PagedMemory
        from kseg.monitor.hypervisor.allocator import NotAdmitted

        made = PagedMemory(ram_size, self.hypervisor.memory)
        try:
            self.hypervisor.allocator.attach(made)
        except NotAdmitted as error:
            raise ConfigurationError(str(error)) from None
        self.paged = made
        return made

    def close(self) -> None:
        if self.guest is not None:
            self.hypervisor.remove(self.guest)
        elif self.paged is not None:
            self.hypervisor.allocator.release(self.paged)


def alone(
    engine: str,
    monitor: str,
    quantum: int = 1,
    *,
    window: int | None = None,
    rewriting: bool = True,
    compiler_share: int = engines.COMPILER_SHARE,
    layer: "Layer | None" = None,
    like: Engine | None = None,
) -> Placement:
    """Where a machine is put that shares nothing with others: `monitor` is one of
    `kseg.monitor.CHOICES`. ConfigurationError for a kernel in the window on the bare machine, which
    has nothing there."""
    if monitor != BARE:
        return LonePlacement(
            engine, monitor, window, rewriting=rewriting, compiler_share=compiler_share
        )
    if window is not None:
        raise ConfigurationError(
            f"the kernel is linked at {window:#010x}, for a monitor that runs it in user mode;"
            f" choose one: --monitor {TRAP_AND_EMULATE}"
        )
    return BarePlacement(engine, quantum, layer=layer, like=like, compiler_share=compiler_share)
