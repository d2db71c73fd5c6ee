"""What an engine is: it runs its vCPUs until there is a VM exit, and returns that as one `Exit`.

The run loop answers the exit (`kseg.monitor`); no engine knows about monitors, devices or time
beyond the cycle counter, and no monitor knows which engine runs.
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import NamedTuple, Protocol

from kseg.engine.state import ProcessorState
from kseg.engine.tracing import TraceFilter
from kseg.isa.exceptions import Fatal
from kseg.memory.paged import PagedMemory


class ExitReason(IntEnum):
    """Why there was a VM exit: `Engine.run` has returned."""

    BUDGET = 0
    """All cycles asked for have passed."""
    DEVICE_LOAD = 1
    """A load from a physical address outside every region: answer with `complete_load`."""
    DEVICE_STORE = 2
    """A store to such an address: answer with `complete_store`."""
    IDLE = 3
    """Every enabled processor is in WAIT (or none is enabled); time must be moved on."""
    BREAK = 4
    """A BREAK instruction in kseg0/kseg1 while `stop_on_break` is set; pc is still on it."""
    FATAL = 5
    """The guest did what its processor profile calls fatal; `fatal` says what."""
    TRAP = 6
    """An exception on a supervised processor, which has not been taken; the state is that before
    the instruction. `value` is the ExceptionCode, `address` the virtual address it is about."""
    PAGE_STORE = 7
    """A store to a page of paged memory that is not to be written at present; `address` is
    physical. Answer by making the page writable; the store is then tried again."""
    BREAKPOINT = 8
    """An instruction is about to be executed at one of the breakpoints; pc is on it."""
    WATCHPOINT = 9
    """An instruction is about to access what a watchpoint watches; pc is on it. `address` is the
    first virtual address concerned, `size` that of the access in bytes, `value` 1 for a store."""
    TRACE_FULL = 10
    """There is hardly any room left for what is being traced: take the records, and go on."""


class Exit(NamedTuple):
    """One VM exit: a return from an engine.

    `processor` is the number of the processor concerned. For DEVICE_LOAD and DEVICE_STORE:
    `address` is physical, `size` is 1, 2 or 4 bytes, `value` is what a store stores (already cut
    to `size`), `mask` says which bits of an aligned word SWL or SWR store (all ones otherwise).
    """

    reason: ExitReason
    processor: int = 0
    address: int = 0
    size: int = 0
    value: int = 0
    mask: int = 0xFFFFFFFF
    fatal: Fatal = Fatal.NONE


COMPILER_SHARE = 10
"""The processor time that a translator's compiler may usually take, in percent of what the process
uses itself."""


class EngineStatistics(NamedTuple):
    """What an engine did, beyond what its processors count: where code was executed, and what was
    made of it. Counts since the engine was made; bytes and instructions as they are now."""

    name: str
    translated_cycles: int = 0
    """Cycles executed as native code for whole regions; all others were interpreted."""
    translations: int = 0
    """In place now."""
    translated_instructions: int = 0
    """Guest instructions that those were made from."""
    code_bytes: int = 0
    """Native code of those."""
    compiled: int = 0
    """Translations by the compiler."""
    copied: int = 0
    """Translations from stencils."""
    cache_hits: int = 0
    """Translations from the cache on disk."""
    refused: int = 0
    """Requests to the compiler that came to nothing."""
    dropped: int = 0
    """Translations that the guest's stores made void."""
    evicted: int = 0
    """Translations that had to make room for others."""
    compile_seconds: float = 0.0
    """Processor time of the compile server, while the guest runs."""
    copy_seconds: float = 0.0
    """Of copying stencils, in which the guest waits."""


class Watchpoint(NamedTuple):
    """Virtual addresses whose accesses are an exit: `first` to `last`, both included."""

    first: int
    last: int
    reads: bool
    writes: bool


class Debuggable(Protocol):
    """What an engine offers to a debugger. While nothing is set it costs nothing.

    Stops are exact, also in delay slots, and come before the instruction, when an interrupt that
    is due has been taken and the instruction has been fetched; guest memory is not changed. The
    `run` that follows a BREAKPOINT or WATCHPOINT executes the instruction without stopping at it
    for the same reason again, before any interrupt.
    """

    def set_breakpoints(self, addresses: Iterable[int]) -> None:
        """From now on, stop at these virtual addresses, in every address space and mode, and at
        no others. ValueError for what is not the address of an instruction."""
        ...

    def set_watchpoints(self, watchpoints: Iterable[Watchpoint]) -> None:
        """From now on, stop before accesses to these virtual addresses, and no others. The loads
        and stores that go around an aligned word (LWL, SWR, ...) count as accesses to all of it,
        and SC as a store also where it fails for the memory's sake. ValueError for what are no
        addresses."""
        ...

    def pass_stop(self, number: int, reason: ExitReason | None) -> None:
        """What processor `number` executes next is what it, or another one in its stead, was
        stopped at for a BREAKPOINT or WATCHPOINT, and it is not stopped there again; None: it was
        not stopped at that."""
        ...


class Traceable(Protocol):
    """What an engine offers to tracing. While nothing is traced
    it costs nothing; while neither instructions nor jumps are, next to nothing.

    Events are recorded by the engine itself, those of one processor in order, those of several in
    the order in which the processors take turns. What an engine executes does not depend on it.
    """

    def set_trace(self, wanted: TraceFilter | None) -> None:
        """From now on, record this, or nothing. Records that were not taken are lost. ValueError
        for a filter that is impossible."""
        ...

    def take_trace(self) -> bytes:
        """The records since the last time, oldest first (`kseg.engine.tracing.RECORD`); with
        `keep_last`, the latest `capacity` of them."""
        ...


class Engine(Debuggable, Traceable, Protocol):
    """Executes the processors of one machine, in deterministic round robin."""

    name: str
    processors: list[ProcessorState]
    stop_on_break: bool

    @property
    def clock(self) -> int:
        """The board's cycle counter, exact also while an exit is being answered: the cycle in
        which the asking instruction executes."""
        ...

    def run(self, cycles: int) -> Exit:
        """Run all enabled processors for `cycles` board cycles from `clock`, or less.

        Changed interrupt lines, `enabled` bits and memory are taken into account on entry.
        After a device exit has been answered, `run` goes on with the instruction that asked;
        the instruction is complete before any interrupt is taken.
        """
        ...

    def complete_load(self, value: int | None, *, steady: bool = False) -> None:
        """Answer DEVICE_LOAD with the `size` bytes loaded as a number; None is a bus error.

        `steady` says that the same load would have the same answer, and no effect, until the
        next exit of another kind: the engine may then answer it by itself. So a guest that polls
        a device does not ask once a turn.
        """
        ...

    def state_changed(self) -> None:
        """The processors' state was written by other code (a snapshot was loaded). Memory is
        another matter: see `memory_changed`."""
        ...

    def complete_store(self, accepted: bool) -> None:
        """Answer DEVICE_STORE; False is a bus error."""
        ...

    def skip(self, cycles: int) -> None:
        """Let `cycles` pass in which every processor idles (after IDLE)."""
        ...

    def memory_changed(self, address: int, length: int) -> None:
        """Physical bytes were changed by something other than the guest's own stores."""
        ...

    def settle(self) -> None:
        """The guest has ended: wait for what the engine still has done elsewhere, as `close` would,
        so that `statistics` are whole. All else stays as it is."""
        ...

    def close(self) -> None:
        """Nothing will be run any more: give back what lies outside this process's memory."""
        ...

    @property
    def statistics(self) -> EngineStatistics:
        """What the engine did."""
        ...


class Hardware(Engine, Protocol):
    """An engine whose processors are a monitor's hardware: it runs guests' vCPUs on them."""

    supervisor: "Supervisor | None"
    """Who decides which processor executes, instead of their taking turns."""

    def run_processor(self, number: int, until: int, *, leave_for_user: bool = False) -> Exit:
        """Let one processor run until its clock shows `until`; BUDGET and IDLE concern it alone.

        With `leave_for_user`, BUDGET comes as soon as an instruction that was begun in kernel mode
        has led to user mode.
        """
        ...

    def replace_processor(
        self, number: int, state: ProcessorState, memory: PagedMemory, window: int | None
    ) -> None:
        """Let processor `number` be one with another state and another physical memory.

        `window` is None, or the virtual address from which 512 MiB lead in kernel mode to the
        physical addresses from 0, as kseg0 does, the exception vectors included. ValueError where
        the engine cannot execute what a region of the memory besides RAM holds.
        """
        ...

    def write_tlb_entry(self, number: int, index: int, entry_hi: int, entry_lo: int) -> None:
        """Put an entry into a processor's TLB, whatever else is there."""
        ...

    def page_moved(self, number: int, page: int) -> None:
        """A page of the paged memory of processor `number` lies in another frame, or may be
        written now or no longer."""
        ...


class Supervisor(Protocol):
    """Decides which of a machine's processors executes, and handles their traps."""

    def run(self, engine: Hardware, limit: int) -> Exit:
        """Let processors run, by `Hardware.run_processor`, until the clock of processor 0 shows
        `limit` or there is a VM exit for the run loop."""
        ...

    def native(self, functions: Mapping[str, int], shared: int) -> int:
        """The address of a native function that does the same, or 0: as `run` of the interpreter
        (`kseg.engine.interpreter.runtime.scheduler`), whose `functions` are given by name, and the
        address of whose `Shared` is `shared`."""
        ...
