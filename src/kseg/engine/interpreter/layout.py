"""The data that handlers, runtime and Python share: structures, and where their fields lie."""

import ctypes
from typing import Any

from kseg.engine.state import ProcessorState
from kseg.engine.tracing import MOST_RANGES
from kseg.memory.physical import Region

u8, u16, u32, u64 = ctypes.c_uint8, ctypes.c_uint16, ctypes.c_uint32, ctypes.c_uint64
pointer = ctypes.c_uint64

PAGE = 4096
ENTRIES = 1024
"""Instructions in a page."""

SENTINELS = 4


class Entry(ctypes.Structure):
    """What the decoder knows of one instruction."""

    _fields_ = [
        ("handler", pointer),
        # Register fields, as byte offsets into ProcessorState.gpr.
        ("s", u8),
        ("t", u8),
        ("d", u8),
        ("operation", u8),  # which handler, as an index into the tables of `Shared`
        ("word", u32),  # the instruction itself
    ]


class CodePage(ctypes.Structure):
    """The entries of one physical page, four sentinels that lead to the next page, and what the
    decoder needs to know of the page."""

    _fields_ = [
        ("entries", Entry * (ENTRIES + SENTINELS)),
        ("host", pointer),  # address of the page's bytes
        ("number", u64),  # of the page (see `Region.first_page`)
        ("physical", u64),  # its address
        ("next", pointer),  # while the code page is free: the next free one
        ("stores", u64),  # by the guest into this page since it was decoded
        ("translated", u64),  # not 0 while a translation may cover instructions of this page
        ("unused", u64 * 2),
        ("covered", u8 * (ENTRIES // 8)),  # a bit each: may a translation depend on it?
        ("heads", u16 * ENTRIES),  # the number of the translation that begins there; 0 is none
        # For each instruction at which a translation begins, or that is traced, its own operation.
        ("originals", u8 * ENTRIES),
    ]


ENTRY_SIZE = ctypes.sizeof(Entry)
ENTRY_FIELDS = {name: getattr(Entry, name).offset for name in "std"}
ENTRY_OPERATION, ENTRY_WORD = Entry.operation.offset, Entry.word.offset
CODE_PAGE_HOST, CODE_PAGE_NUMBER = CodePage.host.offset, CodePage.number.offset
CODE_PAGE_PHYSICAL, CODE_PAGE_TRANSLATED = CodePage.physical.offset, CodePage.translated.offset
CODE_PAGE_COVERED, CODE_PAGE_HEADS = CodePage.covered.offset, CodePage.heads.offset
CODE_PAGE_ORIGINALS = CodePage.originals.offset
CODE_PAGE_STRIDE = 32768
"""Code pages are aligned to this, so that an entry's address tells its page."""

# Virtual page tables. A data table has 2**22 slots of 8 bytes, indexed by the virtual page number
# and, above it, the low two address bits: only aligned accesses find a full slot. A slot holds
# the host address of the page less its virtual address, or 0. A code table has 2**20 slots with
# the address of the code page, or 0.
DATA_TABLE_SIZE = 8 << 22
CODE_TABLE_SIZE = 8 << 20

VIRTUAL_PAGES = 1 << 20
PageTable = pointer * VIRTUAL_PAGES
"""A code table, or the part of a data table in which aligned accesses find their slot."""

OPERATIONS = 256
PREDECODE, SENTINEL, GO, PAGE_END, RESERVED, NOP, TRANSLATED, INTERPRET, DISPATCH = range(9)
BREAKPOINT = 9
"""Operations that are not instructions, and the nop; the instruction set follows.

An entry whose operation is TRANSLATED begins a translation, whose native code is its handler.
INTERPRET and DISPATCH are in no entry: the one executes an entry's own instruction even where a
translation begins, the other whatever the entry has. BREAKPOINT is at every entry that has the
place in its page of some breakpoint: it compares addresses, and decodes its instruction anew.
While instructions are traced, TRACED is at every entry that was decoded, its own operation in
CODE_PAGE_ORIGINALS."""
TRACED = 10
FIRST_INSTRUCTION = 11

STEADY_SLOTS = 4
MAX_REGIONS = 256
MAX_PROCESSORS = 32

# What native code returns; those below RESCHEDULE are ExitReason.
RESCHEDULE = 100
"""Time or interrupts must be looked at again."""
LEFT_KERNEL = 104
"""User mode was entered on a processor that `leaves_for_user`."""
ROUND_ROBIN_NOT_STARTED, ROUND_ROBIN_OVER, ROUND_ROBIN_SLOW = 101, 102, 103
"""How a ring ended: not begun, its time is over, the next processor has no place to go on at."""

RESUME_UNKNOWN, RESUME_PLAIN, RESUME_SLOT = range(3)

LATCH_NONE, LATCH_LOADED, LATCH_STORED, LATCH_BUS_ERROR = range(4)
PASSING_BREAKPOINT, PASSING_WATCHPOINT = 4, 5
"""In the latch: the instruction is one that was stopped at, and is to be executed now."""

WRITABLE, EXECUTABLE = 1, 2

FROM_INSTRUCTION = 1 << 16
"""In the fault code, with INTERRUPT: an instruction has raised it, and did not complete."""

LOAD, STORE, FETCH = range(3)
"""Why an address is translated. In `WatchpointEntry.kinds` the first two have the bit of their
number."""

TRANSLATIONS = 4096
"""Translations installed at one time, at most, and 1: number 0 is none."""
TRANSLATION_PAGES = 8
"""Code pages that one translation can cover."""
JUMPS = 64
"""How many of the latest jumps to addresses in registers are remembered."""


class TranslationRecord(ctypes.Structure):
    """One translation, as native code sees it: the code pages that it was made from, 0 where it
    has fewer, all 0 while it is not installed."""

    _fields_ = [("pages", pointer * TRANSLATION_PAGES)]


class RegionEntry(ctypes.Structure):
    """One region of physical memory, as native code sees it."""

    _fields_ = [
        ("base", u64),
        ("end", u64),
        ("host", pointer),
        ("flags", u32),
        ("first_page", u32),
        # Of paged memory: a word for each page (`kseg.memory.paged`); its bytes lie in region 0.
        ("frames", pointer),
    ]

    @classmethod
    def of(cls, region: Region, first_page: int = 0) -> "RegionEntry":
        """A region; `first_page` is the number of its first page."""
        flags = WRITABLE * region.writable | EXECUTABLE * region.executable
        return cls(region.base, region.end, region.host_address, flags, first_page)


Regions = RegionEntry * MAX_REGIONS
FRAMES = 1 << 20
FrameTable = u32 * FRAMES
"""Of paged memory, as long as one can be (`kseg.memory.paged`)."""


class WatchpointEntry(ctypes.Structure):
    """Watched virtual addresses, `first` to `last`; `kinds` is a bit each for LOAD and STORE."""

    _fields_ = [("first", u32), ("last", u32), ("kinds", u32), ("unused", u32)]


class RecordEntry(ctypes.Structure):
    """One event of a trace: `kseg.engine.tracing.RECORD`."""

    _fields_ = [
        ("cycle", u64),
        ("pc", u32),
        ("word", u32),
        ("values", u32 * 5),
        ("kind", u8),
        ("processor", u8),
        ("flags", u8),
        ("asid", u8),
    ]


class Pattern(ctypes.Structure):
    """One row of the decoder's table."""

    _fields_ = [
        ("mask", u32),
        ("match", u32),
        ("operation", u32),
        # In bits 7:0 the field in which register 0 is redirected, in bits 15:8 the one whose
        # register's new value the handler passes on: 0 none, 1 t, 2 d.
        ("destination", u32),
    ]


class Context(ctypes.Structure):
    """What the engine keeps for one vCPU in addition to its architectural state."""

    _fields_ = [
        ("state", pointer),
        ("shared", pointer),
        ("regions", pointer),  # what its physical addresses lead to: an array of RegionEntry
        ("region_count", u64),
        ("limit", u64),  # the cycle at which the present budget is used up
        ("reads", pointer),  # tables of the present mode
        ("writes", pointer),
        ("codes", pointer),
        ("kernel_reads", pointer),
        ("kernel_writes", pointer),
        ("kernel_codes", pointer),
        ("user_reads", pointer),
        ("user_writes", pointer),
        ("user_codes", pointer),
        ("empty", pointer),  # a data table in which nothing is mapped, for isolated caches
        ("go", u8 * ENTRY_SIZE),  # the entry that goes to `target_pc`
        ("bias", u32),  # pc of an entry = its address / 4 + bias
        ("target_pc", u32),
        ("slot_pc", u32),
        # Where a handler stopped because its budget was spent, so that a processor whose turn is
        # short goes on from there: 0 not known, 1 at an entry, 2 at one in a delay slot.
        ("resume", u64),
        ("resume_entry", pointer),
        ("resume_target", pointer),
        # While several processors take turns in a ring (`runtime.round_robin`): the next one, and
        # whether that is the first of the next round.
        ("next", pointer),
        ("wraps", u64),
        ("number", u64),
        ("timer_at", u64),  # before this cycle the timer does nothing
        ("code_page", pointer),  # the one that is being executed
        ("asid", u32),  # the ASID that the tables mirror
        ("user_mode", u32),  # the mode that the tables are for
        ("stop_on_break", u32),
        ("latch", u32),
        ("fault_reason", u32),  # 0: an exception; else an ExitReason
        ("fault_code", u32),
        ("fault_address", u32),
        ("fault_refill", u32),
        ("exit_address", u32),
        ("exit_size", u32),
        ("exit_value", u32),
        ("exit_mask", u32),
        ("exit_fatal", u32),
        ("latch_value", u64),  # the bytes of a device's answer, as they would lie in memory
        ("scratch", u64),  # where stores that go nowhere go
        ("zero", u64),  # where isolated loads come from
        ("mode_since", u64),  # cycle since which the present mode is being counted
        # For translations: the handlers that execute an entry's own instruction (plain, and with
        # a load pending), and the one that goes on with whatever an entry has.
        ("interpret", pointer),
        ("interpret_loaded", pointer),
        ("dispatch", pointer),
        ("translated", u64),  # cycles executed in translations
        # RAM as kernel code sees it through kseg0: the host address of its first byte, its size,
        # and the part of that that can be read just now: all, or in user mode and while caches
        # are isolated nothing.
        ("ram_host", pointer),
        ("ram_size", u64),
        ("kseg0_size", u64),
        # The latest jumps to addresses in registers: where from in the low, where to in the high
        # 32 bits; and the number of all jumps that were recorded.
        ("jump_count", u64),
        ("jumps", u64 * JUMPS),
        # For monitors. A window: virtual addresses that in kernel mode lead to physical 0 and up,
        # as kseg0's do, and at which the exception vectors are; the size is 0 where there is none.
        ("window_base", u32),
        ("window_size", u32),
        ("leaves_for_user", u32),  # not 0: leave, with LEFT_KERNEL, when user mode is entered
        ("unsampled", u32),  # not 0: nothing that it executes is worth translating
        ("tlb_written", u64),  # a bit for each TLB entry that was written
        ("virtual", pointer),  # the state whose CP0 rewritten instructions work on
        # The instruction at a breakpoint that was last passed: if it stalls, the cycle in which
        # it is tried again, and the stalls that were counted before.
        ("passed_at", u64),
        ("passed_stalls", u64),
        ("passed_pc", u32),
        # For tracing (`trace_records`): the number of records after the one of the instruction
        # that executes, and its cycle; the same, for an instruction whose result is to be noted,
        # and the register; what the TLB entry last written was before, and its number.
        ("trace_mark", u64),
        ("trace_mark_at", u64),
        ("trace_pending", u64),
        ("trace_register", u32),
        ("trace_tlb_index", u32),
        ("trace_tlb_high", u32),
        ("trace_tlb_low", u32),
    ]

    @property
    def processor(self) -> ProcessorState:
        """The state that it is beside."""
        return ProcessorState.from_address(self.state)

    @property
    def engine(self) -> "Shared":
        """What is kept for all processors."""
        return Shared.from_address(self.shared)


class Shared(ctypes.Structure):
    """What the engine keeps for the whole machine."""

    _fields_ = [
        ("handlers", pointer * OPERATIONS),  # plain
        ("slot_handlers", pointer * OPERATIONS),  # in a delay slot
        # Plain, with field s or t read from the accumulator instead of the register.
        ("s_handlers", pointer * OPERATIONS),
        ("t_handlers", pointer * OPERATIONS),
        ("load_handlers", pointer * OPERATIONS),  # after a load with delay
        ("both_handlers", pointer * OPERATIONS),  # in a delay slot, with a load pending
        ("patterns", pointer),
        ("pattern_starts", u32 * 65),  # by major opcode
        ("regions", RegionEntry * MAX_REGIONS),
        ("code_page_of", pointer),  # page number -> code page or 0
        ("translations", pointer),  # an array of TranslationRecord
        ("translations_used", u64),  # numbers below this have been given out
        ("translations_dropped", u64),  # how often one was dropped by native code
        ("pool", pointer),  # code pages
        ("pool_next", pointer),
        ("pool_end", pointer),
        ("free", pointer),  # list of code pages that were given up
        ("context_count", u64),
        ("contexts", pointer * MAX_PROCESSORS),
        ("round", u64),  # the cycle in which the present round began
        ("turn", u64),  # whose turn it is
        ("inside", u64),  # not 0: there was an exit in the middle of a round
        ("quantum", u64),
        # Device loads that have the same answer until the engine is left for something else:
        # the address with the size above it, and the bytes.
        ("round_robin_until", u64),  # the cycle before which the ring needs nothing but turns
        ("keep_steady", u64),
        ("steady_keys", u64 * STEADY_SLOTS),
        ("steady_values", u64 * STEADY_SLOTS),
        ("monitor", pointer),  # what a monitor's native code keeps
        # For each operation, the one that does the same to the CP0 of the context's `virtual`
        # processor; 0 where there is none.
        ("rewritten", u8 * OPERATIONS),
        # For debuggers (`stops`): the addresses of the breakpoints, a bit for each
        # place in a page that one has, and an array of WatchpointEntry.
        ("breakpoint_count", u64),
        ("breakpoints", pointer),
        ("breakpoint_places", u64 * (ENTRIES // 64)),
        ("watchpoint_count", u64),
        ("watchpoints", pointer),
        # For tracing (`trace_records`): not 0 if anything is traced; if code is decoded so that
        # instructions, or jumps, are; for each jump's operation the one that records it.
        ("tracing", u32),
        ("trace_instructions", u32),
        ("trace_jumps", u32),
        ("jumping", u8 * OPERATIONS),
        # The filter: kinds in kernel mode and in user mode, processors and ASIDs, a bit each;
        # cycles and addresses from first to last.
        ("trace_kernel", u32),
        ("trace_user", u32),
        ("trace_processors", u32),
        ("trace_asids", u64),
        ("trace_first", u64),
        ("trace_last", u64),
        ("trace_range_count", u64),
        ("trace_ranges", u32 * (2 * MOST_RANGES)),
        # The records: how many were made; the place of one is its number and `trace_places`. From
        # `trace_room` records on they are to be taken, which `trace_full` says; there are never
        # more than `trace_limit`.
        ("trace_records", pointer),
        ("trace_places", u64),
        ("trace_count", u64),
        ("trace_room", u64),
        ("trace_limit", u64),
        ("trace_full", u32),
        ("trace_leaves_at_calls", u32),
        ("trace_destinations", u8 * 64),  # `kseg.engine.tracing.DESTINATIONS`
    ]


def _offsets(structure: type[ctypes.Structure]) -> dict[str, int]:
    return {field[0]: getattr(structure, field[0]).offset for field in structure._fields_}


def _types(structure: type[ctypes.Structure]) -> dict[str, str]:
    """The LLVM types of the fields that are plain integers."""
    names: dict[Any, str] = {u8: "i8", u32: "i32", u64: "i64"}
    return {field[0]: names.get(field[1], "") for field in structure._fields_}


STATE_OFFSETS, STATE_TYPES = _offsets(ProcessorState), _types(ProcessorState)
CONTEXT_OFFSETS, CONTEXT_TYPES = _offsets(Context), _types(Context)
SHARED_OFFSETS = _offsets(Shared)

CONTROL_FIELDS = frozenset(
    "status cause epc bad_vaddr context entry_hi entry_lo index compare target_address "
    "interrupt_lines timer_line timer_armed count_origin random_origin".split()
)
"""The fields of ProcessorState that are CP0's."""

DISCARD = STATE_OFFSETS["discard"] - STATE_OFFSETS["gpr"]
"""Offset from register 0 to the word that takes writes to it."""

FUNCTIONS = (
    "run",
    "memory_changed",
    "entry_changed",
    "drop_translation",
    "run_processor",
    "resynchronise",
    "tlb_find",
    "tlb_place",
    "leave_state",
)
"""The functions that other code calls; the last three where there is a TLB."""
