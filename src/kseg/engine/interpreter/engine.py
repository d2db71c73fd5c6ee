"""The interpreter as an engine: its memory, and the calls into native code."""

import ctypes
from collections.abc import Sequence

from kseg.engine.codegen.native import Blob, MappedCode
from kseg.engine.contract import EngineStatistics, Exit, ExitReason, Hardware
from kseg.engine.interpreter import image
from kseg.engine.interpreter.debugging import DEBUGGING, Debugging
from kseg.engine.interpreter.layout import (
    CODE_PAGE_STRIDE,
    CODE_TABLE_SIZE,
    DATA_TABLE_SIZE,
    DISPATCH,
    ENTRY_OPERATION,
    GO,
    INTERPRET,
    LATCH_BUS_ERROR,
    LATCH_LOADED,
    LATCH_STORED,
    MAX_PROCESSORS,
    MAX_REGIONS,
    PAGE,
    STEADY_SLOTS,
    TRANSLATIONS,
    Context,
    RegionEntry,
    Shared,
    TranslationRecord,
)
from kseg.engine.interpreter.runtime.idling import pass_idly
from kseg.engine.interpreter.supervision import CHANGE, RUN, Supervision
from kseg.engine.interpreter.tracing import Tracing
from kseg.engine.state import ProcessorState
from kseg.engine.tracing import DESTINATIONS
from kseg.isa.exceptions import Fatal
from kseg.isa.registers import ASID_MASK, KSEG0, KSEG1, STATUS_KUC
from kseg.memory.physical import PhysicalMemory
from kseg.platform.memory import Memory

NEVER = 1 << 62
"""A cycle that no machine comes to."""
MAX_CODE_PAGES = 2048
"""Decoded pages kept at most (20 kB each); beyond that all are decoded anew."""


class Interpreter(Debugging, Tracing, Supervision):
    """Predecoded threaded code. Implements `kseg.engine.contract.Hardware`."""

    name = "interpreter"

    def __init__(
        self,
        profile_name: str,
        byte_order: str,
        memory: PhysicalMemory,
        processors: Sequence[ProcessorState],
        quantum: int = 1,
        code_pages: int = MAX_CODE_PAGES,
        *,
        like: "Interpreter | None" = None,
        compiler_share: int = 0,  # noqa: ARG002 - the translator's
    ) -> None:
        """`quantum` is the number of cycles that a processor runs before it is the next one's
        turn, where several run; `code_pages` bounds the decoded pages kept. One `like` another of
        the same profile and byte order uses its native code too, which never changes."""
        if not 1 <= len(processors) <= MAX_PROCESSORS:
            raise ValueError(f"{len(processors)} processors; 1 to {MAX_PROCESSORS} are possible")
        if len(memory.regions) > MAX_REGIONS:
            raise ValueError(f"more than {MAX_REGIONS} regions of memory")
        self.processors = list(processors)
        self._stop_on_break = False
        self._memory = memory
        self._order = byte_order
        self._allocated: list[Memory] = []
        self._tables: list[Memory] = []
        if like is None:
            self._compiled = image.load(profile_name, byte_order)
            self._code = MappedCode(Blob(self._compiled.code, self._compiled.functions))
        else:
            self._compiled, self._code = like._compiled, like._code
        self._run = RUN(self._code.address("run"))
        self._drop = CHANGE(self._code.address("drop_translation"))
        self._changed = CHANGE(self._code.address("memory_changed"))
        self._entry_changed = CHANGE(self._code.address("entry_changed"))
        self._shared = Shared()
        if like is not None:
            for name in self._compiled.tables:
                field = getattr(Shared, name)
                place = ctypes.addressof(like._shared) + field.offset
                ctypes.memmove(ctypes.addressof(self._shared) + field.offset, place, field.size)
        self._fill_shared(self._compiled, code_pages, tables=like is None)
        self._shared.quantum = quantum
        self._shared.round = processors[0].clock
        self._contexts = [self._context(state) for state in processors]
        self._shared.context_count = len(processors)
        for number, context in enumerate(self._contexts):
            self._shared.contexts[number] = ctypes.addressof(context)
            context.number = number
        self.shared_address = ctypes.addressof(self._shared)
        """Of the `Shared` on which the function at `run_address` works."""
        self._offer_supervision()

    # Setting up.

    def _allocate(self, size: int) -> int:
        """The address of `size` zero bytes; what is never touched costs nothing."""
        self._allocated.append(Memory(size, sparse=True))
        return self._allocated[-1].address

    def _table(self, size: int) -> int:
        """The address of a table that mirrors a TLB, empty."""
        address = self._allocate(size)
        self._tables.append(self._allocated[-1])
        return address

    def _fill_shared(self, compiled: image.Image, code_pages: int, *, tables: bool) -> None:
        shared, base = self._shared, self._code.base
        if tables:
            for name, offsets in compiled.tables.items():
                getattr(shared, name)[:] = [
                    0 if offset == image.NO_HANDLER else base + offset for offset in offsets
                ]
        self._patterns = ctypes.create_string_buffer(compiled.patterns, len(compiled.patterns))
        shared.patterns = ctypes.addressof(self._patterns)
        shared.pattern_starts[:] = compiled.starts
        shared.rewritten[:] = compiled.rewritten
        shared.jumping[:] = compiled.jumping
        shared.trace_destinations[:] = DESTINATIONS
        pages = 0
        for number, region in enumerate(self._memory.regions):
            shared.regions[number] = RegionEntry.of(region, pages)
            if region.executable:
                pages += -(-region.size // PAGE)
        self._page_count = pages
        shared.code_page_of = self._allocate(8 * max(pages, 1))
        shared.translations = self._allocate(TRANSLATIONS * ctypes.sizeof(TranslationRecord))
        shared.translations_used = 1
        stride = CODE_PAGE_STRIDE
        count = max(2, min(code_pages, pages))
        pool = -(-self._allocate((count + 1) * stride) // stride) * stride
        shared.pool = shared.pool_next = pool
        shared.pool_end = pool + count * stride

    def _context(self, state: ProcessorState) -> Context:
        context = Context()
        context.state = context.virtual = ctypes.addressof(state)
        context.shared = ctypes.addressof(self._shared)
        context.regions = context.shared + Shared.regions.offset
        context.region_count = len(self._memory.regions)
        for mode in ("kernel", "user"):
            setattr(context, f"{mode}_reads", self._table(DATA_TABLE_SIZE))
            setattr(context, f"{mode}_writes", self._table(DATA_TABLE_SIZE))
            setattr(context, f"{mode}_codes", self._table(CODE_TABLE_SIZE))
        if not hasattr(self, "_empty"):
            self._empty = self._allocate(DATA_TABLE_SIZE)
        context.empty = self._empty
        go = ctypes.c_uint64.from_buffer(context, Context.go.offset)
        go.value = self._shared.handlers[GO]
        context.go[ENTRY_OPERATION] = GO
        ram = self._memory.ram
        context.ram_host = ram.host_address
        # In whole pages, so that an aligned access is inside or outside.
        context.ram_size = min(ram.size & -PAGE, KSEG1 - KSEG0)
        context.interpret = self._shared.handlers[INTERPRET]
        context.interpret_loaded = self._shared.load_handlers[INTERPRET]
        context.dispatch = self._shared.handlers[DISPATCH]
        self._take_over(context, state)
        return context

    @staticmethod
    def _take_over(context: Context, state: ProcessorState) -> None:
        """Note which address space and mode the tables are for, and since when."""
        context.asid = state.entry_hi & ASID_MASK
        context.user_mode = 1 if state.status & STATUS_KUC else 0
        context.mode_since = state.clock

    # Running. Device exits are many, so this is written with plain ints.

    @property
    def stop_on_break(self) -> bool:
        """Whether BREAK in kseg0 or kseg1 is an exit instead of an exception."""
        return self._stop_on_break

    @stop_on_break.setter
    def stop_on_break(self, stop: bool) -> None:
        self._stop_on_break = stop
        for context in self._contexts:
            context.stop_on_break = stop

    @property
    def clock(self) -> int:
        shared = self._shared
        clock: int = self.processors[shared.turn].clock if shared.inside else shared.round
        return clock

    def run(self, cycles: int) -> Exit:
        target, shared = self.clock + cycles, self._shared
        while True:
            code = self.run_native(min(target, self.stretch_end))
            shared.inside = code not in (_BUDGET_CODE, _IDLE_CODE)
            if code != _BUDGET_CODE:
                return _IDLE if code == _IDLE_CODE else self.exit_of(code, shared.turn)
            if shared.round >= self.stretch_end:
                self.look()
            if shared.round >= target:
                return _BUDGET
            shared.keep_steady = 1

    def run_native(self, until: int) -> int:
        """Let native code run until the clock shows `until`: an ExitReason."""
        code: int = self._run(self.shared_address, until)
        return code

    def is_ready(self) -> bool:
        """Whether native code can run it now, without Python: it can at any time."""
        return True

    @property
    def stretch_end(self) -> int:
        """The cycle at which `look` is to be called, whoever calls native code: never."""
        return NEVER

    def look(self) -> None:
        """Look at what is not the guest's: an interpreter has nothing of the kind."""

    def exit_of(self, code: int, turn: int) -> Exit:
        """What native code came back for, at a processor's turn."""
        context = self._contexts[turn]
        if code == _LOAD_CODE:
            return Exit(ExitReason.DEVICE_LOAD, turn, context.exit_address, context.exit_size)
        if code == _STORE_CODE:
            return Exit(
                ExitReason.DEVICE_STORE,
                turn,
                context.exit_address,
                context.exit_size,
                context.exit_value,
                context.exit_mask,
            )
        reason = ExitReason(code)
        if reason is ExitReason.FATAL:
            fatal = Fatal(context.exit_fatal)
            return Exit(reason, turn, value=context.exit_value, fatal=fatal)
        if reason is ExitReason.TRAP:
            return Exit(reason, turn, context.fault_address, value=context.fault_code & 0xFF)
        if reason is ExitReason.PAGE_STORE:
            return Exit(reason, turn, context.exit_address, context.exit_size)
        if reason in DEBUGGING:
            return self._stop(context, reason, turn)
        return Exit(reason, turn)

    def _engine(self) -> Hardware:
        return self

    def settle(self) -> None:
        pass

    def close(self) -> None:
        pass

    @property
    def statistics(self) -> EngineStatistics:
        return EngineStatistics(self.name)

    def complete_load(self, value: int | None, *, steady: bool = False) -> None:
        context = self._contexts[self._shared.turn]
        if value is None:
            context.latch = LATCH_BUS_ERROR
            return
        size = context.exit_size
        laid_out = (value & ((1 << 8 * size) - 1)).to_bytes(
            size, "big" if self._order == "big" else "little"
        )
        context.latch_value = laid = int.from_bytes(laid_out, "little")
        context.latch = LATCH_LOADED
        if steady:
            address = context.exit_address
            slot = address >> 2 & STEADY_SLOTS - 1
            self._shared.steady_keys[slot] = size << 32 | address
            self._shared.steady_values[slot] = laid
            self._shared.keep_steady = 1

    def complete_store(self, accepted: bool) -> None:
        context = self._contexts[self._shared.turn]
        context.latch = LATCH_STORED if accepted else LATCH_BUS_ERROR

    def skip(self, cycles: int) -> None:
        pass_idly(self._shared, cycles)

    def state_changed(self) -> None:
        self._shared.round = self.processors[0].clock
        self._shared.turn = 0
        self._shared.inside = 0
        self._empty_tables()
        for context, state in zip(self._contexts, self.processors, strict=True):
            self._take_over(context, state)
            self._pass_nothing(context)
            context.trace_mark = context.trace_pending = 0

    def _empty_tables(self) -> None:
        for table in self._tables:
            table.discard(0, len(table.view))

    def memory_changed(self, address: int, length: int) -> None:
        region = self._memory.region_at(address)
        if region is None or not region.executable:
            return
        first = self._shared.regions[self._memory.regions.index(region)].first_page
        context = ctypes.addressof(self._contexts[0])
        start = (address - region.base) // PAGE
        end = (address + max(length, 1) - 1 - region.base) // PAGE
        for page in range(start, end + 1):
            self._changed(context, first + page)


_BUDGET_CODE, _IDLE_CODE = int(ExitReason.BUDGET), int(ExitReason.IDLE)
_LOAD_CODE, _STORE_CODE = int(ExitReason.DEVICE_LOAD), int(ExitReason.DEVICE_STORE)
_BUDGET = Exit(ExitReason.BUDGET)
_IDLE = Exit(ExitReason.IDLE)
