"""What tracing records, and under which filter: the same on every engine
(`kseg.engine.contract.Traceable`)."""

import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

import msgspec

from kseg.isa.values import WORD

CYCLES = (1 << 64) - 1
MOST_RANGES = 8
MOST_RECORDS = 1 << 24
"""640 MB of them."""
ASIDS = 64
PROCESSORS = 32


class TraceKind(IntEnum):
    """What happened. The record's values are named beside each kind, in their order."""

    INSTRUCTION = 0
    """An instruction was begun, and did not have to wait. Values: the registers that bits 25:21
    and 20:16 of it name, before it; the register that it writes, after it (0 where there is
    none)."""
    JUMP = 1
    """A jump, or a branch that is taken. Value: the target."""
    EXCEPTION = 2
    """An exception other than an interrupt was taken; `word` is the vector. Values: Cause, EPC,
    BadVAddr, the stack pointer, and, after a TLB exception, the number of the TLB entry that
    matched (all ones where none did)."""
    RETURN = 3
    """RFE. Values: Status after it, the stack pointer."""
    INTERRUPT = 4
    """An interrupt was taken before the instruction at `pc`. `word` and values as for an
    exception."""
    TLB = 5
    """TLBWI, TLBWR, TLBR or TLBP. Values: the entry's number (all ones where TLBP found none);
    EntryHi and EntryLo that were written, read or found; what the entry was before."""
    ADDRESS_SPACE = 6
    """The ASID in EntryHi is another one. Values: the old and the new one."""


KINDS = frozenset(TraceKind)

USER, DELAY_SLOT, REFILL, TRAPPED = 1, 2, 4, 8
"""In a record's flags: user mode; the instruction is in a delay slot; the exception is a TLB
refill; the instruction was not completed but raised an exception."""

RECORD = struct.Struct("=Q7I4B")
"""One record: cycle, pc, instruction word, five values, kind, processor, flags, ASID."""


class TraceRecord(NamedTuple):
    """One event, unpacked. Words are 32 bits."""

    cycle: int
    pc: int
    word: int
    first: int
    second: int
    third: int
    fourth: int
    fifth: int
    kind: int
    processor: int
    flags: int
    asid: int


def unpack(records: bytes) -> Iterator[TraceRecord]:
    """What `Traceable.take_trace` returned, record for record."""
    return map(TraceRecord._make, RECORD.iter_unpack(records))


class TraceFilter(msgspec.Struct, frozen=True):
    """What is to be recorded: events that meet every condition."""

    kernel: frozenset[TraceKind] = KINDS
    """Kinds of events of kernel mode (that before an exception or RFE)."""
    user: frozenset[TraceKind] = KINDS
    """Kinds of events of user mode."""
    processors: frozenset[int] | None = None
    """Numbers of processors; None is all."""
    ranges: tuple[tuple[int, int], ...] = ()
    """First and last virtual addresses of instructions; with no range, all."""
    asids: frozenset[int] | None = None
    """ASIDs in EntryHi at the event; None is all."""
    first_cycle: int = 0
    last_cycle: int = CYCLES
    capacity: int = 1 << 16
    """Records kept until they are taken."""
    keep_last: bool = False
    """Whether new records take the place of the oldest; otherwise the engine is left, with
    TRACE_FULL, before records would be lost."""

    leave_at_calls: bool = False
    """Whether the engine is left, with TRACE_FULL, as soon as it has recorded a system call or a
    return from an exception: the processor's general registers are then those that went over the
    border."""

    @property
    def kinds(self) -> frozenset[TraceKind]:
        """The kinds of either mode."""
        return self.kernel | self.user


def checked_filter(wanted: TraceFilter | None) -> TraceFilter | None:
    """The filter, or None if it asks for nothing; ValueError for what is impossible."""
    if wanted is None:
        return None
    if not 1 <= wanted.capacity <= MOST_RECORDS:
        raise ValueError(f"a trace of {wanted.capacity} records; 1 to {MOST_RECORDS} can be kept")
    if len(wanted.ranges) > MOST_RANGES:
        raise ValueError(f"{len(wanted.ranges)} ranges of addresses; at most {MOST_RANGES}")
    for first, last in wanted.ranges:
        if not 0 <= first <= last <= WORD:
            raise ValueError(f"{first:#x} to {last:#x} are no addresses")
    for name, given, end in (
        ("processor", wanted.processors, PROCESSORS),
        ("ASID", wanted.asids, ASIDS),
    ):
        for number in given or ():
            if not 0 <= number < end:
                raise ValueError(f"there is no {name} {number}; they are 0 to {end - 1}")
    if not 0 <= wanted.first_cycle <= CYCLES or not 0 <= wanted.last_cycle <= CYCLES:
        raise ValueError(f"{wanted.first_cycle} to {wanted.last_cycle} are no cycles")
    return wanted if wanted.kinds else None


BY_T, BY_D, LINK, LINK_IF, MOVE = range(1, 6)
"""Which register an instruction writes: named in bits 20:16; in 15:11; 31; 31 if bit 20 is set;
the former if bits 25:21 are 0 or 2 (MFC and CFC)."""

DESTINATIONS = bytes(
    {0: BY_D, 1: LINK_IF, 3: LINK, 16: MOVE, 17: MOVE, 48: BY_T, 56: BY_T}.get(
        major, BY_T if 8 <= major < 16 or 32 <= major < 40 else 0
    )
    for major in range(64)
)
"""By major opcode, where the register written is named; 0 is nowhere."""


def destination(word: int) -> int:
    """The number of the register that an instruction writes; 0 if none."""
    rule = DESTINATIONS[word >> 26]
    if rule == BY_D:
        return word >> 11 & 31
    if rule == LINK or (rule == LINK_IF and word & 1 << 20):
        return 31
    if rule == BY_T or (rule == MOVE and not word >> 21 & 29):
        return word >> 16 & 31
    return 0
