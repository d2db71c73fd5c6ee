"""The state of one processor: all that the architecture defines, and the counters beside it.

One flat C structure, so that native code, the plain-Python reference and a snapshot look at the
same bytes. Everything here is plain data; host addresses live in the engines.
"""

import ctypes
from typing import Any, NamedTuple

from kseg.isa import registers as r
from kseg.isa.floating_point import FCSR_WRITABLE

TLB_SIZE = 64

u8, u32, u64 = ctypes.c_uint8, ctypes.c_uint32, ctypes.c_uint64


class Field(NamedTuple):
    """One field of `ProcessorState`, and what is known of it."""

    name: str
    kind: Any
    """Its type, or an array's."""
    bits: int = -1
    """Those that it can have."""
    counts: bool = False
    """Whether it counts from 0 on, and never gets far."""
    since: int = 0
    """The version of saved states, and of digests, that it is in; in older ones it is 0."""


FIELDS = (
    Field("gpr", u32 * 32),
    Field("discard", u32),  # where writes to register 0 go; never read
    Field("hi", u32),
    Field("lo", u32),
    Field("pc", u32),
    Field("next_pc", u32),
    Field("in_delay_slot", u32, bits=1),
    # A load whose result the next instruction does not see yet (profiles with a visible load
    # delay): the register, 0 for none, and the value.
    Field("pending_load_register", u32, bits=31),
    Field("pending_load_value", u32),
    # CP0. Random and Count are functions of `clock` and are not stored.
    Field("status", u32),
    Field("cause", u32),  # without IP7:2, which are the lines below
    Field("epc", u32),
    Field("bad_vaddr", u32),
    Field("context", u32),
    Field("entry_hi", u32, bits=r.VPN_MASK | r.ASID_MASK),
    Field("entry_lo", u32, bits=r.ENTRY_LO_MASK),
    Field("index", u32, bits=r.INDEX_PROBE_FAILED | r.INDEX_MASK),
    Field("compare", u32),
    Field("target_address", u32),  # TAR of the lsi profile
    Field("tlb_entry_hi", u32 * TLB_SIZE),
    Field("tlb_entry_lo", u32 * TLB_SIZE),
    # Interrupt lines as Cause shows them: bits 15:10. `interrupt_lines` is set by the board
    # (level), `timer_line` by the on-chip timer, or by the floating-point unit: no profile has
    # both.
    Field("interrupt_lines", u32, bits=r.CAUSE_INTERRUPT_LINES),
    Field("timer_line", u32, bits=r.TIMER_LINE),
    Field("timer_armed", u32, bits=1),
    Field("ll_pending", u32, bits=1),
    Field("ll_address", u32),
    Field("ll_value", u32),
    Field("enabled", u32, bits=1),  # 0: held in reset by the board
    Field("waiting", u32, bits=1),  # 1: in WAIT until a line rises
    Field("identity", u32),  # processor number on the board
    # 1: exceptions are not taken; they are VM exits instead, for a monitor to handle.
    Field("supervised", u32, bits=1),
    # Time. `clock` counts the board's cycles; Count and Random count only cycles in which
    # this processor runs: Count = clock - count_origin.
    Field("clock", u64, counts=True),
    Field("count_origin", u64),
    Field("random_origin", u64),
    Field("hi_ready", u64),  # first cycle at which HI can be used without a stall
    Field("lo_ready", u64),
    # Counters, for statistics.
    Field("kernel_cycles", u64, counts=True),
    Field("user_cycles", u64, counts=True),
    Field("idle_cycles", u64, counts=True),
    Field("kernel_stalls", u64, counts=True),
    Field("user_stalls", u64, counts=True),
    Field("exceptions", u64 * 32, counts=True),  # by ExcCode; 0 is interrupts
    Field("tlb_refills", u64, counts=True),  # exceptions through the refill vector
    Field("ll_count", u64, counts=True),
    Field("sc_success", u64, counts=True),
    Field("sc_failure", u64, counts=True),
    Field("sync_count", u64, counts=True),
    # Exceptions, interrupts left out, that kept an instruction of user mode from completing.
    Field("user_exceptions", u64, counts=True, since=4),
    # The last exception that was taken with BEV set and outside the boot ROM, which has no
    # handler: EPC, Cause and BadVAddr, which exceptions in the ROM overwrite.
    Field("boot_epc", u32, since=4),
    Field("boot_cause", u32, since=4),
    Field("boot_bad_vaddr", u32, since=4),
    # The floating-point unit: a double is an even register, its low word, and the next one.
    Field("fpr", u32 * 32, since=5),
    Field("fcsr", u32, bits=FCSR_WRITABLE, since=5),
)
"""All of a processor that changes: u32 unless noted; cycles are u64. A field that is added is a
line here."""


class ProcessorState(ctypes.Structure):
    """Registers, CP0, TLB and counters of one R3000.

    The stop between two instructions is exact, also between a branch and its delay slot:
    `pc` is the next instruction, and when `in_delay_slot` is 1, `next_pc` is where control goes
    after it (otherwise `next_pc` has no meaning).
    """

    _fields_ = [(field.name, field.kind) for field in FIELDS]

    def reset(self, status: int, pc: int) -> None:
        """Everything zero, except what reset gives: Status, pc, and Count, which starts at 1."""
        ctypes.memset(ctypes.addressof(self), 0, ctypes.sizeof(self))
        self.status = status
        self.pc = pc
        self.count_origin = (1 << 64) - 1
        for number in range(TLB_SIZE):
            # Distinct pages in kseg0, which the TLB never translates: nothing matches.
            self.tlb_entry_hi[number] = 0x81000000 + number * 0x1000
        self.entry_hi = 0x81040000
