"""What the monitor keeps of its guests and of the hardware, as Python and native code share it."""

import ctypes
from enum import IntEnum
from typing import Annotated, TypeAlias

from kseg.engine.codegen.typed import below, i32, through, u32, u64
from kseg.engine.interpreter.layout import Context
from kseg.engine.interpreter.runtime.address_translation import tlb_find
from kseg.engine.state import TLB_SIZE, ProcessorState

pointer = ctypes.c_uint64

ASIDS = 64
"""Address spaces that the hardware tells apart. Number 0 is not given out."""
Asid: TypeAlias = Annotated[int, below(ASIDS)]
Place: TypeAlias = Annotated[int, below(1 + ASIDS)]
"""Of a guest's `asids`."""
Slot: TypeAlias = Annotated[int, below(TLB_SIZE)]
"""The number of an entry of the hardware's TLB, or of the guest's."""


class ExitKind(IntEnum):
    """Why a guest left the hardware, or had the monitor do something for it."""

    PRIVILEGED = 0
    """A privileged instruction in virtual kernel mode: emulated."""
    KERNEL_SEGMENT_FETCH = 1
    """An instruction that lies in kseg0, kseg1 or kseg2: emulated."""
    KERNEL_SEGMENT_ACCESS = 2
    """A load or store there, or of a device in the window: emulated."""
    SHADOW_MISS = 3
    """The guest's own TLB has the page: entered into the hardware's."""
    SYSTEM_CALL = 4
    """Reflected into the guest, as are all from here to INTERRUPT."""
    TLB_FAULT = 5
    OTHER_EXCEPTION = 6
    INTERRUPT = 7
    ANSWER = 8
    """An instruction that had its answer from a device: completed by emulation."""
    PAGE_STORE = 9
    """A store to a page that is shared or was never written: it gets a frame of its own."""


class GuestRecord(ctypes.Structure):
    """One guest, as the dispatcher sees it."""

    _fields_ = [
        ("number", ctypes.c_uint32),  # from 1
        ("hybrid", ctypes.c_uint32),  # not 0: virtual kernel mode is not run directly
        # Not 0: nothing is. What the hardware executes for a guest, and what traps there, is not
        # what happens in the guest: the virtual processor, which does the guest's own instructions
        # in its own modes, is what can be traced.
        ("traced", ctypes.c_uint32),
        ("window_base", ctypes.c_uint32),
        ("window_size", ctypes.c_uint32),  # 0: the guest has no window
        ("frames", pointer),  # the table of its paged memory
        ("pages", ctypes.c_uint64),
        # The hardware's ASIDs for virtual kernel mode, and for each address space of virtual user
        # mode; 0: none yet.
        ("asids", ctypes.c_uint8 * (1 + ASIDS)),
        # The space, as in EntryHi, whose pages virtual kernel mode has besides the window.
        ("kernel_space", ctypes.c_uint32),
        ("direct_cycles", ctypes.c_uint64),  # executed by the hardware
        ("emulated_cycles", ctypes.c_uint64),  # executed by the monitor
        ("rewritten", ctypes.c_uint64),  # trapping instructions that were rewritten
        ("exits", ctypes.c_uint64 * len(ExitKind)),
        # Of the host, in whatever its cycle counter counts, while `timed`.
        ("ticks", ctypes.c_uint64 * len(ExitKind)),
    ]


WINDOW_ORIGIN = TLB_SIZE
"""Where a shadow entry comes from, if not from an entry of the guest's TLB."""


class World(ctypes.Structure):
    """The hardware's side: which guest is on it, and what is in its TLB."""

    _fields_ = [
        ("guest", pointer),  # the GuestRecord of the present one
        # The engine's contexts of the hardware and of the virtual processor, and functions of a
        # native engine.
        ("hardware", pointer),
        ("virtual", pointer),
        ("run_processor", pointer),
        ("resynchronise", pointer),
        ("tlb_find", pointer),
        ("tlb_place", pointer),
        ("bank", ctypes.c_uint32),  # which virtual mode the hardware's tables are for: 1 is user
        ("other_asid", ctypes.c_uint32),  # the ASID that the tables for the other mode mirror
        ("timed", ctypes.c_uint32),
        ("rewrites", ctypes.c_uint32),  # not 0: hot trapping instructions are rewritten
        # Of each entry of the hardware's TLB: the guest's number, 0 for none, and the number of
        # the entry in the guest's TLB that it was made from, or WINDOW_ORIGIN.
        ("slot_guest", ctypes.c_uint32 * TLB_SIZE),
        ("slot_origin", ctypes.c_uint32 * TLB_SIZE),
        ("next_slot", ctypes.c_uint32),
        ("next_asid", ctypes.c_uint32),
        ("asid_holder", pointer * ASIDS),  # address of the byte in `asids` that has it
        ("engine", ctypes.py_object),  # in CPython, who executes: a `supervision.GuestSupervisor`
    ]

    @property
    def present(self) -> GuestRecord:
        """The guest that is on the hardware."""
        return GuestRecord.from_address(self.guest)

    @property
    def hardware_context(self) -> Context:
        return Context.from_address(self.hardware)

    @property
    def virtual_context(self) -> Context:
        return Context.from_address(self.virtual)

    @property
    def hardware_state(self) -> ProcessorState:
        return self.hardware_context.processor

    @property
    def virtual_state(self) -> ProcessorState:
        """The guest's processor."""
        return self.virtual_context.processor

    # The engine's functions.

    @through("run_processor")
    def run(self, context: Context, until: u64) -> i32:
        """Let a processor execute until its clock shows `until`, or something else is to be done:
        an ExitReason, or `layout.LEFT_KERNEL`."""
        return int(self.engine.run_processor(context, until))

    @through("resynchronise")
    def settle(self, context: Context, clock: u64) -> None:
        """Count a processor's cycles up to `clock`."""

    @through("tlb_find")
    def find(self, state: ProcessorState, entry_hi: u32) -> i32:
        """The lowest of a processor's TLB entries that matches an EntryHi; -1 if none does."""
        return tlb_find(state, entry_hi)

    @through("tlb_place")
    def place(self, context: Context, index: u64, high: u32, low: u32) -> None:
        """Put an entry into a processor's TLB."""
        self.engine.place(context, index, high, low)


def _block(first: str, last: str) -> tuple[int, int]:
    begin: int = getattr(ProcessorState, first).offset
    end = getattr(ProcessorState, last)
    return begin, end.offset + end.size - begin


UNPRIVILEGED = (
    _block("gpr", "pending_load_value"),
    _block("ll_pending", "ll_value"),
    _block("clock", "clock"),
    _block("hi_ready", "lo_ready"),
    _block("ll_count", "sync_count"),
)
"""What a guest may use of the hardware itself, as (offset, size) in ProcessorState: it is loaded
when the guest is entered and stored when it is left. All else of its state is virtual."""
FLOATING_POINT = (_block("fpr", "fcsr"), _block("timer_line", "timer_line"))
"""The same of a floating-point unit, which a guest has while its Status says so: CU1."""
