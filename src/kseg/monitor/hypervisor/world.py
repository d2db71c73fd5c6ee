"""What the monitor keeps of its guests and of the hardware, as Python and native code share it."""

import ctypes
from enum import IntEnum

from kseg.engine.state import TLB_SIZE, ProcessorState

u8, u32, u64, pointer = ctypes.c_uint8, ctypes.c_uint32, ctypes.c_uint64, ctypes.c_uint64

ASIDS = 64
"""Address spaces that the hardware tells apart. Number 0 is not given out."""


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
        ("number", u32),  # from 1
        ("hybrid", u32),  # not 0: virtual kernel mode is not run directly
        ("window_base", u32),
        ("window_size", u32),  # 0: the guest has no window
        ("frames", pointer),  # the table of its paged memory
        ("pages", u64),
        # The hardware's ASIDs for virtual kernel mode, and for each address space of virtual user
        # mode; 0: none yet.
        ("asids", u8 * (1 + ASIDS)),
        # The space, as in EntryHi, whose pages virtual kernel mode has besides the window.
        ("kernel_space", u32),
        ("direct_cycles", u64),  # executed by the hardware
        ("emulated_cycles", u64),  # executed by the monitor
        ("rewritten", u64),  # trapping instructions that were rewritten
        ("exits", u64 * len(ExitKind)),
        # Of the host, in whatever its cycle counter counts, while `timed`.
        ("ticks", u64 * len(ExitKind)),
    ]


WINDOW_ORIGIN = TLB_SIZE
"""Where a shadow entry comes from, if not from an entry of the guest's TLB."""


class World(ctypes.Structure):
    """The hardware's side: which guest is on it, and what is in its TLB."""

    _fields_ = [
        ("guest", pointer),  # the GuestRecord of the present one
        # For native code: the engine's contexts of the hardware and of the virtual processor, and
        # functions of the engine.
        ("hardware", pointer),
        ("virtual", pointer),
        ("run_processor", pointer),
        ("resynchronise", pointer),
        ("tlb_find", pointer),
        ("tlb_place", pointer),
        ("bank", u32),  # which virtual mode the hardware's tables are for: 1 is user
        ("other_asid", u32),  # the ASID that the tables for the other mode mirror
        ("timed", u32),
        ("rewrites", u32),  # not 0: hot trapping instructions are rewritten
        # Of each entry of the hardware's TLB: the guest's number, 0 for none, and the number of
        # the entry in the guest's TLB that it was made from, or WINDOW_ORIGIN.
        ("slot_guest", u32 * TLB_SIZE),
        ("slot_origin", u32 * TLB_SIZE),
        ("next_slot", u32),
        ("next_asid", u32),
        ("asid_holder", pointer * ASIDS),  # address of the word in `asids` that has it
    ]


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
