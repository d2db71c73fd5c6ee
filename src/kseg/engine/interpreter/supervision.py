"""What the interpreter offers to monitors that run guests on processors of its machine."""

import ctypes
import weakref
from collections.abc import Callable

from kseg.engine.codegen.native import MappedCode
from kseg.engine.contract import Exit, ExitReason, Hardware, Supervisor
from kseg.engine.interpreter.layout import (
    FUNCTIONS,
    LATCH_NONE,
    LEFT_KERNEL,
    PAGE,
    STEADY_SLOTS,
    Context,
    RegionEntry,
    Shared,
)
from kseg.engine.state import ProcessorState
from kseg.isa.registers import ASID_MASK, KSEG0, KSEG1, STATUS_KUC, UNMAPPED_MASK, WAKING_LINES
from kseg.memory.paged import PagedMemory

Run = Callable[[int, int], int]
"""Of native code: `Shared` or a `Context`, and the clock until which to run; an exit's code."""

RUN = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_uint64)
CHANGE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint64)
_PLACE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint32, ctypes.c_uint32)
_LEAVE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)

_DATA_AND_CODE = ("reads", "writes", "codes")


class Supervision:
    """The part of an `Engine` that is for monitors; the rest is the interpreter's."""

    processors: list[ProcessorState]
    _shared: Shared
    _contexts: list[Context]
    _code: MappedCode
    _order: str
    _run: Run
    _supervisor: Supervisor | None
    run_address: int
    """The native function behind `run`, which works on a `Shared`; 0 if it is Python's."""

    def _offer_supervision(self) -> None:
        """Once native code and contexts are there."""
        self._rounds = self._run
        self._supervisor = None
        self.run_address = self._code.address("run")
        self._run_one = RUN(self._code.address("run_processor"))
        self._resynchronise = CHANGE(self._code.address("resynchronise"))
        self._region_tables: weakref.WeakKeyDictionary[PagedMemory, ctypes.Array[RegionEntry]]
        self._region_tables = weakref.WeakKeyDictionary()
        self._paged: dict[int, PagedMemory] = {}

    @property
    def supervisor(self) -> Supervisor | None:
        """What decides which processor executes, instead of their taking turns."""
        return self._supervisor

    @supervisor.setter
    def supervisor(self, supervisor: Supervisor | None) -> None:
        self._supervisor = supervisor
        self._run, self.run_address = self._rounds, self._code.address("run")
        if supervisor is not None:
            functions = {name: self._code.address(name) for name in FUNCTIONS}
            shared = ctypes.addressof(self._shared)
            native = supervisor.native(functions, shared)
            self._run = RUN(native) if native else self._run_supervised
            self.run_address = native

    def _run_supervised(self, _shared: int, limit: int) -> int:
        """As `run` of the native code, where the supervisor is not native."""
        shared, supervisor = self._shared, self._supervisor
        assert supervisor is not None
        if not shared.keep_steady:
            shared.steady_keys[:] = [0] * STEADY_SLOTS
        shared.keep_steady = 0
        found = supervisor.run(self._engine(), limit)
        if found.reason in (ExitReason.PAGE_STORE, ExitReason.WATCHPOINT):
            context = self._contexts[0]
            context.exit_address, context.exit_size = found.address, found.size
            context.exit_value = found.value
        shared.round = self.processors[0].clock
        shared.turn = 0
        return int(found.reason)

    def _engine(self) -> Hardware:
        raise NotImplementedError

    def exit_of(self, code: int, turn: int) -> Exit:
        """What native code came back for, from a processor."""
        raise NotImplementedError

    def run_processor(self, number: int, until: int, *, leave_for_user: bool = False) -> Exit:
        context, state = self._contexts[number], self.processors[number]
        if state.interrupt_lines & WAKING_LINES:
            state.waiting = 0
        context.leaves_for_user = leave_for_user
        context.mode_since = state.clock
        address = ctypes.addressof(context)
        code = self._run_one(address, until)
        self._resynchronise(address, state.clock)
        if code == LEFT_KERNEL:
            return Exit(ExitReason.BUDGET, number)
        return self.exit_of(code, number)

    def replace_processor(
        self, number: int, state: ProcessorState, memory: PagedMemory, window: int | None
    ) -> None:
        context, shared = self._contexts[number], self._shared
        self._leave(number)
        context.state = context.virtual = ctypes.addressof(state)
        self.processors[number] = state
        self._paged[number] = memory
        table = self._region_tables.get(memory)
        if table is None:
            self._region_tables[memory] = table = _region_table(memory)
        context.regions, context.region_count = ctypes.addressof(table), len(table)
        context.window_base = window or 0
        context.window_size = 0 if window is None else UNMAPPED_MASK + 1
        self._find_ram(context, memory)
        context.latch = LATCH_NONE
        context.tlb_written = 0
        context.asid = state.entry_hi & ASID_MASK
        context.user_mode = 1 if state.status & STATUS_KUC else 0
        context.mode_since = state.clock
        self._resynchronise(ctypes.addressof(context), state.clock)
        shared.keep_steady = 0
        shared.round, shared.turn = state.clock, 0

    @staticmethod
    def _find_ram(context: Context, memory: PagedMemory) -> None:
        """Translations find kseg0 without a table where it lies in one piece."""
        context.ram_size = context.kseg0_size = 0
        if memory.contiguous is not None:
            context.ram_host = memory.hardware.ram.host_address + memory.contiguous
            context.ram_size = min(memory.ram.size, KSEG1 - KSEG0)

    def _leave(self, number: int) -> None:
        """Empty all that was derived from a processor's memory and TLB."""
        context = self._contexts[number]
        _LEAVE(self._code.address("leave_state"))(ctypes.addressof(context))
        memory = self._paged.get(number)
        if memory is not None:
            for region in memory.regions:
                self._empty_windows(context, region.base // PAGE, -(-region.size // PAGE))

    @staticmethod
    def _empty_windows(context: Context, page: int, count: int) -> None:
        """Empty the slots of physical pages in the segments that the TLB does not translate."""
        bases = [KSEG0, KSEG1]
        if context.window_size:
            bases.append(context.window_base)
        for name in _DATA_AND_CODE:
            table = getattr(context, f"kernel_{name}")
            for base in bases:
                ctypes.memset(table + 8 * (base // PAGE + page), 0, 8 * count)

    def page_moved(self, number: int, page: int) -> None:
        context = self._contexts[number]
        _LEAVE(self._code.address("leave_state"))(ctypes.addressof(context))
        self._empty_windows(context, page, 1)
        self._find_ram(context, self._paged[number])

    def write_tlb_entry(self, number: int, index: int, entry_hi: int, entry_lo: int) -> None:
        place = _PLACE(self._code.address("tlb_place"))
        place(ctypes.addressof(self._contexts[number]), index, entry_hi, entry_lo)


def _region_table(memory: PagedMemory) -> "ctypes.Array[RegionEntry]":
    regions = memory.regions
    if any(region.executable for region in regions if region is not memory.ram):
        raise ValueError("of paged memory, only RAM can hold code")
    table = (RegionEntry * len(regions))(*(RegionEntry.of(region) for region in regions))
    table[0].frames = ctypes.addressof(memory.frames)
    return table
