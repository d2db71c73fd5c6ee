"""The dispatcher as an engine knows it: native code where the engine is native, else CPython runs
it, on any engine that is a `Hardware`."""

import ctypes
from collections.abc import Mapping

from kseg.engine.codegen.native import MappedCode
from kseg.engine.contract import Exit, ExitReason, Hardware
from kseg.engine.interpreter.layout import LATCH_LOADED, LATCH_NONE, Context, Shared
from kseg.engine.state import TLB_SIZE, ProcessorState
from kseg.monitor.hypervisor import native
from kseg.monitor.hypervisor.dispatcher import supervise
from kseg.monitor.hypervisor.world import World

VIRTUAL, HARDWARE = 0, 1
"""Numbers of the processors: the one that the monitor executes, instruction by instruction, and the
one that the guests run on."""
_STOPS = (ExitReason.BREAKPOINT, ExitReason.WATCHPOINT)
_DEVICE = (ExitReason.DEVICE_LOAD, ExitReason.DEVICE_STORE)


class GuestSupervisor:
    """Implements `kseg.engine.contract.Supervisor`. In CPython the dispatcher knows the engine by
    the contexts that are kept here, and by `run_processor` and `place`."""

    def __init__(self, engine: Hardware, world: World) -> None:
        self._engine, self._world = engine, world
        self._code: MappedCode | None = None
        self._contexts = Context(), Context()
        self._shared = Shared(monitor=ctypes.addressof(world))
        self._found = Exit(ExitReason.BUDGET)
        world.engine = self
        self.connect()

    def native(self, functions: Mapping[str, int], shared: int) -> int:
        self._code = self._code or native.load()
        return native.connect(self._code, self._world, functions, shared)

    def connect(self) -> None:
        """Let the world be about the engine's present processors, for CPython."""
        world = self._world
        world.virtual, world.hardware = (ctypes.addressof(each) for each in self._contexts)
        for context, state in zip(self._contexts, self._engine.processors, strict=True):
            context.state = ctypes.addressof(state)

    @property
    def answered(self) -> bool:
        """A device or a debugger has answered: the instruction that asked, or was stopped at, is to
        be completed first, by emulation."""
        return bool(self._contexts[VIRTUAL].latch != LATCH_NONE)

    @answered.setter
    def answered(self, answered: bool) -> None:
        self._contexts[VIRTUAL].latch = LATCH_LOADED if answered else LATCH_NONE

    def run(self, engine: Hardware, limit: int) -> Exit:  # noqa: ARG002
        self.connect()
        return self.exit_of(ExitReason(supervise(self._shared, limit)))

    def exit_of(self, reason: ExitReason) -> Exit:
        """What `supervise` came back for."""
        if reason in (ExitReason.BUDGET, ExitReason.IDLE):
            return Exit(reason)
        if reason is not self._found.reason:  # a page that the shadow TLB keeps from being written
            return Exit(reason, address=self._contexts[VIRTUAL].exit_address)
        return self._found

    # What the dispatcher calls.

    def run_processor(self, context: Context, until: int) -> int:
        """See `World.run`."""
        number = HARDWARE if ctypes.addressof(context) == self._world.hardware else VIRTUAL
        state = self._engine.processors[number]
        before = _tlb(state)
        context.latch = LATCH_NONE
        leaves = bool(context.leaves_for_user)
        found = self._engine.run_processor(number, until, leave_for_user=leaves)
        if number == VIRTUAL:
            after = _tlb(state)
            if before != after:
                for index in range(TLB_SIZE):
                    changed = before[index::TLB_SIZE] != after[index::TLB_SIZE]
                    context.tlb_written |= changed << index
        if found.reason is ExitReason.TRAP:
            context.fault_code, context.fault_address = found.value, found.address
        context.exit_address, context.exit_size = found.address, found.size
        context.exit_value = found.value
        if found.reason in _DEVICE:
            context.latch = LATCH_LOADED
        if found.reason in _STOPS and number == HARDWARE:
            # It is the virtual processor that goes on from there.
            self._engine.pass_stop(HARDWARE, None)
            found = found._replace(processor=VIRTUAL)
        self._found = found
        return int(found.reason)

    def place(self, _context: Context, index: int, high: int, low: int) -> None:
        """See `World.place`: the hardware's it is."""
        self._engine.write_tlb_entry(HARDWARE, index, high, low)


def _tlb(state: ProcessorState) -> list[int]:
    return [*state.tlb_entry_hi, *state.tlb_entry_lo]
