"""The state of an R3000, sorted into the paper's <E, M, P, R>, and what lies beyond it.

* E and P, the program: general registers, HI and LO, the link of LL and SC, the program counter
  with what belongs to it (delay slot, load on its way), and the program's storage, which is three
  pages.
* M, the mode: Status.KUc.
* R, the map, in the place of the relocation-bounds register: the TLB, EntryHi.ASID, and
  Status.IsC and SwC, which put the caches in memory's place.
* Beyond the paper, the resources: everything else in CP0, with time and the interrupt lines.

All numbers are unsigned words of 32 bits, except `clock` and the origins, which are 64-bit
numbers of cycles.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from kseg.engine.state import TLB_SIZE
from kseg.isa import registers as r

FRAMES = 16
"""Page frames of RAM."""
PAGE = 4096
CODE, DATA, HIGH = 0x00002000, 0x00004000, 0xC0006000
PAGES = (CODE, DATA, HIGH)
"""Virtual addresses of the program's pages: two in kuseg, one in kseg2."""
HOME = (2, 4, 6)
"""The frames in which they lie until the program is moved. In kuseg they are the pages with the
same numbers, for a processor without a TLB finds them nowhere else."""
DISTANCE = 7
"""How many frames further the program is moved: none of the new ones is one of the old."""

CU0 = 1 << r.STATUS_CU_SHIFT
CACHE_CONTROL = r.STATUS_ISC | r.STATUS_SWC
_CYCLES = (1 << 64) - 1

PROGRAM = (
    "hi lo pc next_pc in_delay_slot pending_load_register pending_load_value "
    "ll_pending ll_address ll_value"
).split()
RESOURCES = (
    "status cause epc bad_vaddr context entry_hi entry_lo index compare target_address "
    "interrupt_lines timer_line timer_armed count_origin random_origin waiting"
).split()
"""Of Status and EntryHi, what is not mode or map. Count and Random stand for themselves by their
origins, which only an instruction changes: that they move on with time is no effect of its."""

_NOT_RESOURCE = {"status": r.STATUS_KUC | CACHE_CONTROL, "entry_hi": r.ASID_MASK}

Shown = dict[str, str]
"""Names and values, as a witness shows them."""


@dataclass(frozen=True)
class Registers:
    """What a processor holds, before or after an instruction."""

    fields: Mapping[str, int]
    """By the names of `kseg.engine.state.ProcessorState`, arrays left out."""
    gpr: tuple[int, ...]
    tlb_hi: tuple[int, ...]
    tlb_lo: tuple[int, ...]

    @property
    def mode(self) -> str:
        """ "kernel", which is the paper's supervisor mode, or "user"."""
        return "user" if self.fields["status"] & r.STATUS_KUC else "kernel"

    @property
    def map(self) -> Any:
        """R, for comparison."""
        status = self.fields["status"] & CACHE_CONTROL
        return self.fields["entry_hi"] & r.ASID_MASK, status, self.tlb_hi, self.tlb_lo


@dataclass(frozen=True)
class State(Registers):
    """Everything on which executing one instruction can depend."""

    frames: tuple[int, ...] = HOME
    """Where in real memory the program's pages are."""
    slot: int = 0
    """The word that follows the instruction."""

    def having(self, **changed: int) -> "State":
        """This state with other values of some fields."""
        return replace(self, fields={**self.fields, **changed})

    def in_mode(self, mode: str) -> "State":
        """This state in "kernel" or in "user" mode, and nothing else changed."""
        status = self.fields["status"] & ~r.STATUS_KUC
        return self.having(status=status | (r.STATUS_KUC if mode == "user" else 0))

    def interrupted(self) -> bool:
        """Would an interrupt come before the instruction?"""
        fields = self.fields
        raised = fields["cause"] | fields["interrupt_lines"] | fields["timer_line"]
        return bool(fields["status"] & r.STATUS_IEC and raised & fields["status"] & r.STATUS_IM)


def mapped_tlb(asid: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """EntryHi and EntryLo of every TLB entry: the first ones map PAGES to HOME in address space
    `asid` (0 to 63), the others match nothing."""
    high = [page | asid << 6 for page in PAGES]
    low = [frame * PAGE | r.ENTRY_LO_D | r.ENTRY_LO_V for frame in HOME]
    # As after reset: kseg0, which the TLB never translates.
    high += [0x81000000 + number * PAGE for number in range(len(PAGES), TLB_SIZE)]
    return tuple(high), tuple(low + [0] * (TLB_SIZE - len(PAGES)))


def moved(state: State) -> State:
    """The same program elsewhere in real memory, and the map changed so that it finds itself.

    This is the paper's step from r to r + x with E|r kept. Where there is no TLB nothing can be
    changed so, and the program is just moved.
    """
    low = list(state.tlb_lo)
    for number, entry in enumerate(low):
        frame = entry // PAGE
        if entry & r.ENTRY_LO_V and frame in state.frames:
            low[number] = entry + DISTANCE * PAGE
    frames = tuple(frame + DISTANCE for frame in state.frames)
    return replace(state, tlb_lo=tuple(low), frames=frames)


def retagged(state: State) -> State:
    """The same program in another address space: another ASID in EntryHi and in its entries."""
    old = state.fields["entry_hi"] & r.ASID_MASK
    new = old ^ (0b100001 << 6)
    high = [
        (entry & ~r.ASID_MASK) | new if low & r.ENTRY_LO_V and entry & r.ASID_MASK == old else entry
        for entry, low in zip(state.tlb_hi, state.tlb_lo, strict=True)
    ]
    return replace(state, tlb_hi=tuple(high)).having(
        entry_hi=(state.fields["entry_hi"] & ~r.ASID_MASK) | new
    )


@dataclass(frozen=True)
class Variation:
    """A change of one resource that leaves program, mode and map as they are."""

    field: str
    """What it changes; a declaration that does not read it cannot notice."""
    change: int
    """Bits that it turns over, or cycles that it adds to the clock."""

    def __call__(self, state: State) -> State:
        value = state.fields[self.field]
        if self.field == "clock":
            return state.having(clock=(value + self.change) & _CYCLES)
        return state.having(**{self.field: value ^ self.change})


CLOCK = Variation("clock", 5)
UNITS = Variation("status", 0xE0000000)
"""The usability of coprocessors 1 to 3. CU0 is not varied: it is looked at both ways."""
LINK = Variation("ll_pending", 1)
"""What no monitor can put back after a trap: the link of LL."""

VARIATIONS = (
    CLOCK,
    UNITS,
    Variation("status", r.STATUS_IM),
    Variation("status", r.STATUS_IEC),
    Variation("status", r.STATUS_STACK & ~(r.STATUS_IEC | r.STATUS_KUC)),
    Variation("status", r.STATUS_BEV),
    Variation("cause", 0x37C),
    Variation("epc", 0x40),
    Variation("bad_vaddr", 0x40),
    Variation("context", 0x200040),
    Variation("entry_hi", 0x10000),
    Variation("entry_lo", 0x10000),
    Variation("index", 0x100),
    Variation("compare", 0x100),
    Variation("target_address", 0x40),
    Variation("interrupt_lines", 0x400),
    Variation("timer_line", r.TIMER_LINE),
)


def resource(name: str, value: int) -> int:
    """The part of a register that is neither mode nor map."""
    return value & ~_NOT_RESOURCE.get(name, 0)
