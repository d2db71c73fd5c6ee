"""The reference engine as a whole: several processors in round robin, and its exits."""

from collections.abc import Iterable, Sequence

from kseg.engine.contract import (
    EngineStatistics,
    Exit,
    ExitReason,
    Supervisor,
    Watchpoint,
)
from kseg.engine.debugging import checked_breakpoints, checked_watchpoints
from kseg.engine.reference.aborts import EngineExit
from kseg.engine.reference.processor import Latch, ReferenceProcessor
from kseg.engine.reference.step import step
from kseg.engine.reference.tracing import Recorder
from kseg.engine.state import ProcessorState
from kseg.engine.tracing import TraceFilter, checked_filter
from kseg.isa.instruction_set import instruction_set
from kseg.isa.profile import profile_named
from kseg.isa.registers import STATUS_KUC, WAKING_LINES
from kseg.memory.paged import PagedMemory
from kseg.memory.physical import PhysicalMemory


class ReferenceEngine:
    """Executes the declarations themselves. Implements `kseg.engine.contract.Hardware`."""

    name = "reference"

    def __init__(
        self,
        profile_name: str,
        byte_order: str,
        memory: PhysicalMemory,
        processors: Sequence[ProcessorState],
        quantum: int = 1,
    ) -> None:
        """`quantum` is the number of cycles that a processor runs before it is the next one's
        turn, where several run."""
        profile = profile_named(profile_name)
        self.processors = list(processors)
        self.stop_on_break = False
        self.quantum = quantum
        self._instructions = instruction_set(profile_name)
        self._cpus = [
            ReferenceProcessor(profile, byte_order, memory, state) for state in processors
        ]
        self._round = int(processors[0].clock)
        """The cycle in which the round began."""
        self._turn = 0
        self._inside = False
        """An exit is being answered: the processor whose turn it is has not completed."""
        self.supervisor: Supervisor | None = None
        self._recorder: Recorder | None = None

    @property
    def clock(self) -> int:
        return int(self.processors[self._turn].clock) if self._inside else self._round

    def run(self, cycles: int) -> Exit:
        limit = self.clock + cycles
        if self.supervisor is not None:
            return self._supervised(self.supervisor, limit)
        for cpu in self._cpus:
            cpu.pull()
            cpu.stops_on_break = self.stop_on_break
            self._wake(cpu)
        try:
            self._inside = False
            return self._rounds(limit)
        except EngineExit as leave:
            self._inside = True
            self._settle()
            self._pass(self._cpus[self._turn].latch, leave.exit.reason)
            return leave.exit._replace(processor=self._turn)
        finally:
            for cpu in self._cpus:
                cpu.push()

    @staticmethod
    def _pass(latch: Latch, reason: ExitReason) -> None:
        """What was stopped at for a debugger is executed the next time."""
        latch.passes_breakpoint |= reason is ExitReason.BREAKPOINT
        latch.passes_watchpoint |= reason is ExitReason.WATCHPOINT

    def pass_stop(self, number: int, reason: ExitReason | None) -> None:
        self._cpus[number].latch = latch = Latch()
        if reason is not None:
            self._pass(latch, reason)

    def set_breakpoints(self, addresses: Iterable[int]) -> None:
        wanted = checked_breakpoints(addresses)
        for cpu in self._cpus:
            cpu.breakpoints = wanted

    def set_watchpoints(self, watchpoints: Iterable[Watchpoint]) -> None:
        wanted = checked_watchpoints(watchpoints)
        for cpu in self._cpus:
            cpu.watchpoints = wanted

    def set_trace(self, wanted: TraceFilter | None) -> None:
        wanted = checked_filter(wanted)
        self._recorder = None if wanted is None else Recorder(wanted)
        for number, cpu in enumerate(self._cpus):
            cpu.recorder, cpu.number = self._recorder, number

    def take_trace(self) -> bytes:
        return b"" if self._recorder is None else self._recorder.take(self._cpus)

    def _let_records_be_taken(self) -> None:
        """Leave before an instruction while there are too many records."""
        if self._recorder is not None and self._recorder.full:
            raise EngineExit(Exit(ExitReason.TRACE_FULL))

    def _supervised(self, supervisor: Supervisor, limit: int) -> Exit:
        found = supervisor.run(self, limit)
        self._inside = found.reason not in (ExitReason.BUDGET, ExitReason.IDLE)
        self._turn = 0
        self._round = self.processors[0].clock
        return found

    def run_processor(self, number: int, until: int, *, leave_for_user: bool = False) -> Exit:
        cpu = self._cpus[number]
        cpu.pull()
        cpu.stops_on_break = self.stop_on_break
        self._wake(cpu)
        try:
            while cpu.clock < until:
                if not self._runs(cpu):
                    return Exit(ExitReason.IDLE, number)
                self._let_records_be_taken()
                in_kernel = not cpu.status & STATUS_KUC
                step(cpu, self._instructions)
                cpu.latch.__init__()  # type: ignore[misc]
                if leave_for_user and in_kernel and cpu.status & STATUS_KUC:
                    break
            return Exit(ExitReason.BUDGET, number)
        except EngineExit as leave:
            self._pass(cpu.latch, leave.exit.reason)
            return leave.exit._replace(processor=number)
        finally:
            cpu.push()

    def replace_processor(
        self, number: int, state: ProcessorState, memory: PagedMemory, window: int | None
    ) -> None:
        cpu = self._cpus[number]
        cpu.state, cpu.memory, cpu.window = state, memory, window
        cpu.latch = Latch()
        self.processors[number] = state
        self.state_changed()

    def write_tlb_entry(self, number: int, index: int, entry_hi: int, entry_lo: int) -> None:
        state = self.processors[number]
        state.tlb_entry_hi[index], state.tlb_entry_lo[index] = entry_hi, entry_lo

    def page_moved(self, number: int, page: int) -> None:
        """Nothing is derived from where pages lie here."""

    def _rounds(self, limit: int) -> Exit:
        while True:
            if self._turn == 0:
                if self._round >= limit:
                    self._settle()
                    return Exit(ExitReason.BUDGET)
                if not any(self._runs(cpu) for cpu in self._cpus):
                    self._settle()
                    return Exit(ExitReason.IDLE)
            quantum = min(self.quantum, limit - self._round)
            while self._turn < len(self._cpus):
                cpu = self._cpus[self._turn]
                self._catch_up(cpu, self._round)
                while cpu.clock < self._round + quantum and self._runs(cpu):
                    self._let_records_be_taken()
                    step(cpu, self._instructions)
                    cpu.latch.__init__()  # type: ignore[misc]
                self._turn += 1
            self._turn = 0
            self._round += quantum

    def _wake(self, cpu: ReferenceProcessor) -> None:
        """A raised line ends WAIT; lines change only while the engine does not run."""
        if cpu.interrupt_lines & WAKING_LINES:
            cpu.waiting = 0

    def _runs(self, cpu: ReferenceProcessor) -> bool:
        return bool(cpu.enabled) and not cpu.waiting

    def _catch_up(self, cpu: ReferenceProcessor, clock: int) -> None:
        """Cycles in which `cpu` did not run while another did."""
        if cpu.clock < clock:
            cpu.idle_cycles += clock - cpu.clock
            self._stand_still(cpu, clock - cpu.clock)

    def _stand_still(self, cpu: ReferenceProcessor, cycles: int) -> None:
        cpu.clock += cycles
        cpu.count_origin += cycles
        cpu.random_origin += cycles

    def _settle(self) -> None:
        """No processor lags behind the round's beginning, those included that do not run."""
        for cpu in self._cpus:
            self._catch_up(cpu, self._round)

    def settle(self) -> None:
        pass

    def close(self) -> None:
        pass

    @property
    def statistics(self) -> EngineStatistics:
        return EngineStatistics(self.name)

    def complete_load(
        self,
        value: int | None,
        *,
        steady: bool = False,  # noqa: ARG002
    ) -> None:
        latch = self._cpus[self._turn].latch
        latch.loaded = value
        latch.bus_error = value is None

    def complete_store(self, accepted: bool) -> None:
        latch = self._cpus[self._turn].latch
        latch.stored = accepted
        latch.bus_error = not accepted

    def skip(self, cycles: int) -> None:
        self._round += cycles
        for cpu in self._cpus:
            cpu.pull()
            self._stand_still(cpu, cycles)
            cpu.push()

    def state_changed(self) -> None:
        self._round = self.processors[0].clock
        self._turn = 0
        self._inside = False
        for cpu in self._cpus:
            cpu.latch = Latch()
            cpu.waits_at_breakpoint = False
        if self._recorder is not None:
            self._recorder.forget_unfinished()

    def memory_changed(self, address: int, length: int) -> None:
        """Nothing is derived from memory here."""
