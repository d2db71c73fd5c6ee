"""A guest's processor, as whoever serves the guest's devices sees it: an engine."""

from typing import TYPE_CHECKING

from kseg.engine.contract import EngineStatistics, Exit, ExitReason, Supervisor
from kseg.engine.state import ProcessorState
from kseg.memory.paged import PagedMemory
from kseg.monitor.hypervisor.statistics import MonitorStatistics, monitor_statistics
from kseg.monitor.hypervisor.world import GuestRecord

if TYPE_CHECKING:
    from kseg.monitor.hypervisor.hypervisor import Hypervisor


class VirtualProcessor:
    """Implements the part of `kseg.engine.contract.Engine` that runs a board, for one guest.

    Its clock counts the guest's own cycles: those in which the hardware or the monitor executed an
    instruction of it, and no others. So the guest's time does not tell that there is a monitor.
    """

    supervisor: Supervisor | None = None

    def __init__(
        self,
        hypervisor: "Hypervisor",
        state: ProcessorState,
        memory: PagedMemory,
        record: GuestRecord,
        window: int | None,
    ) -> None:
        self.hypervisor = hypervisor
        self.state, self.memory, self.record, self.window = state, memory, record, window
        self.processors = [state]
        self.name = hypervisor.engine.name
        """How the hardware, and what is emulated, are executed."""
        engine = hypervisor.engine
        # Answers are many, and the hardware's as they are.
        self.complete_load = engine.complete_load
        self.complete_store = engine.complete_store
        self.take_used = engine.take_used

    @property
    def stop_on_break(self) -> bool:
        return self.hypervisor.engine.stop_on_break

    @stop_on_break.setter
    def stop_on_break(self, stop: bool) -> None:
        self.hypervisor.engine.stop_on_break = stop

    @property
    def clock(self) -> int:
        clock: int = self.state.clock
        return clock

    def run(self, cycles: int) -> Exit:
        hypervisor = self.hypervisor
        if hypervisor.present is not self:
            hypervisor.enter(self)
        limit = self.state.clock + cycles
        found = hypervisor.engine.run(cycles)
        while found.reason is ExitReason.PAGE_STORE:
            hypervisor.allocator.make_writable(self.memory, found.address >> 12)
            found = hypervisor.engine.run(limit - self.state.clock)
        return found

    def skip(self, cycles: int) -> None:
        self.hypervisor.enter(self).skip(cycles)

    def state_changed(self) -> None:
        self.hypervisor.state_changed(self)

    def memory_changed(self, address: int, length: int) -> None:
        """Writes to paged memory are reported by the hardware's."""

    def close(self) -> None:
        self.hypervisor.remove(self)

    @property
    def monitored(self) -> MonitorStatistics:
        """What the monitor did for the guest."""
        return monitor_statistics(self.record)

    @property
    def statistics(self) -> EngineStatistics:
        return self.hypervisor.engine.statistics
