"""A vCPU: a guest's processor, which is an engine to the run loop that serves the guest's
devices."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from kseg.engine.contract import EngineStatistics, Exit, ExitReason, Supervisor, Watchpoint
from kseg.engine.debugging import checked_breakpoints, checked_watchpoints
from kseg.engine.state import ProcessorState
from kseg.engine.tracing import RECORD, TraceFilter, checked_filter
from kseg.memory.paged import PagedMemory
from kseg.monitor.hypervisor.statistics import MonitorStatistics, monitor_statistics
from kseg.monitor.hypervisor.world import GuestRecord

if TYPE_CHECKING:
    from kseg.monitor.hypervisor.hypervisor import Hypervisor

_SEEN_TO_HERE = int(ExitReason.PAGE_STORE)
"""This exit and those behind it: the others are the run loop's."""


class VirtualProcessor:
    """Implements `kseg.engine.contract.Engine` for one guest.

    Its clock counts the guest's own cycles: those in which the hardware or the monitor executed an
    instruction of it, and no others. So the guest's time does not tell that there is a monitor.

    Breakpoints and watchpoints are the hardware's as long as their guest is on it. They stop the
    hardware and the emulation alike, for both execute the guest at its own virtual addresses. What
    the guest was stopped at is then executed by emulation, whichever engine was about to do it.
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
        self.breakpoints: frozenset[int] = frozenset()
        self.watchpoints: frozenset[Watchpoint] = frozenset()
        self.trace: TraceFilter | None = None
        """What is recorded of the guest; meanwhile all of it is emulated."""
        self._records = b""
        self._stopped: ExitReason | None = None
        """It was stopped for this, and has not gone on."""
        self._waits = False
        """It has gone on, but the instruction is tried again after a stall."""
        engine = hypervisor.engine
        # Answers are many, and the hardware's as they are.
        self.complete_load = engine.complete_load
        self.complete_store = engine.complete_store

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
            if self._stopped is not None or self._waits:
                return self._go_on()
        limit = self.state.clock + cycles
        found = hypervisor.engine.run(cycles)
        return found if found.reason < _SEEN_TO_HERE else self._see_to(found, limit)

    # As native code knows it: the hardware's loop, with this guest on it.

    @property
    def run_address(self) -> int:
        """See `kseg.monitor.drivers.NativeEngine`: 0 where the hardware is not native code."""
        found: int = getattr(self.hypervisor.engine, "run_address", 0)
        return found

    @property
    def shared_address(self) -> int:
        found: int = self._native.shared_address
        return found

    @property
    def _native(self) -> Any:
        return self.hypervisor.engine

    def is_ready(self) -> bool:
        """Enter the guest, unless it has something to go on with first."""
        if self.hypervisor.present is not self:
            if self._stopped is not None or self._waits:
                return False
            self.hypervisor.enter(self)
        return True

    @property
    def stretch_end(self) -> int:
        found: int = self._native.stretch_end
        return found

    def look(self) -> None:
        self._native.look()

    def run_native(self, until: int) -> int:
        code: int = self._native.run_native(until)
        return code

    def exit_of(self, code: int, turn: int) -> Exit | None:
        """What the hardware came back for; None if it was a page, which the guest has now."""
        found: Exit = self._native.exit_of(code, turn)
        if found.reason is ExitReason.PAGE_STORE:
            self.hypervisor.allocator.make_writable(self.memory, found.address >> 12)
            return None
        return self._note_stop(found)

    def _note_stop(self, found: Exit) -> Exit:
        """A guest that was stopped for a debugger has something to go on with."""
        if found.reason in (ExitReason.BREAKPOINT, ExitReason.WATCHPOINT):
            self._stopped = found.reason
            self.hypervisor.enter_anew()
        return found

    def _see_to(self, found: Exit, limit: int) -> Exit:
        """Give pages to the guest until it comes back for another reason; take note of a stop."""
        hypervisor = self.hypervisor
        while found.reason is ExitReason.PAGE_STORE:
            hypervisor.allocator.make_writable(self.memory, found.address >> 12)
            found = hypervisor.engine.run(limit - self.state.clock)
        return self._note_stop(found)

    def _go_on(self) -> Exit:
        """Execute the instruction at which it was stopped, which has a cycle, or two."""
        hypervisor, stopped, waits = self.hypervisor, self._stopped, self._waits
        self._stopped, self._waits = None, False
        stalls = self._stalls
        if waits:
            # Only the breakpoint can be what it was stopped at: a processor that accesses memory
            # does not wait.
            engine = hypervisor.engine
            engine.set_breakpoints(self.breakpoints - {self.state.pc})
            found = engine.run(1)
            engine.set_breakpoints(self.breakpoints)
        else:
            found = hypervisor.run_stopped(stopped)
            while found.reason is ExitReason.PAGE_STORE:
                hypervisor.allocator.make_writable(self.memory, found.address >> 12)
                found = hypervisor.run_stopped(stopped)
        if self._stalls != stalls:
            self._waits = True
            hypervisor.enter_anew()
        return self._see_to(found, self.state.clock + 1)

    @property
    def _stalls(self) -> int:
        return int(self.state.kernel_stalls + self.state.user_stalls)

    def pass_stop(self, number: int, reason: ExitReason | None) -> None:  # noqa: ARG002
        self._stopped = reason

    def set_breakpoints(self, addresses: Iterable[int]) -> None:
        self.breakpoints = checked_breakpoints(addresses)
        self.hypervisor.points_changed(self)

    def set_watchpoints(self, watchpoints: Iterable[Watchpoint]) -> None:
        self.watchpoints = checked_watchpoints(watchpoints)
        self.hypervisor.points_changed(self)

    def set_trace(self, wanted: TraceFilter | None) -> None:
        self.trace = checked_filter(wanted)
        self.hypervisor.trace_changed(self)
        self._records = b""

    def take_trace(self) -> bytes:
        self.keep_records(self.hypervisor.take_trace(self))
        found, self._records = self._records, b""
        return found

    def keep_records(self, records: bytes) -> None:
        """Have them until they are taken: the guest's trace is not the engine's any more."""
        self._records += records
        if self.trace is not None and self.trace.keep_last:
            self._records = self._records[-self.trace.capacity * RECORD.size :]

    def skip(self, cycles: int) -> None:
        self.hypervisor.enter(self).skip(cycles)

    def state_changed(self) -> None:
        self._stopped, self._waits = None, False
        self.hypervisor.state_changed(self)

    def memory_changed(self, address: int, length: int) -> None:
        """Writes to paged memory are reported by the hardware's."""

    def settle(self) -> None:
        self.hypervisor.engine.settle()

    def close(self) -> None:
        self.hypervisor.remove(self)

    @property
    def monitored(self) -> MonitorStatistics:
        """What the monitor did for the guest."""
        return monitor_statistics(self.record)

    @property
    def statistics(self) -> EngineStatistics:
        return self.hypervisor.engine.statistics
