"""The state of one processor: all that the architecture defines, and the counters beside it.

One flat C structure, so that native code, the plain-Python reference and a snapshot look at the
same bytes. Everything here is plain data; host addresses live in the engines.
"""

import ctypes

TLB_SIZE = 64

u8, u32, u64 = ctypes.c_uint8, ctypes.c_uint32, ctypes.c_uint64


class ProcessorState(ctypes.Structure):
    """Registers, CP0, TLB and counters of one R3000 (u32 unless noted; cycles are u64).

    The stop between two instructions is exact, also between a branch and its delay slot:
    `pc` is the next instruction, and when `in_delay_slot` is 1, `next_pc` is where control goes
    after it (otherwise `next_pc` has no meaning).
    """

    _fields_ = [
        ("gpr", u32 * 32),
        ("discard", u32),  # where writes to register 0 go; never read
        ("hi", u32),
        ("lo", u32),
        ("pc", u32),
        ("next_pc", u32),
        ("in_delay_slot", u32),
        # A load whose result the next instruction does not see yet (profiles with a visible load
        # delay): the register, 0 for none, and the value.
        ("pending_load_register", u32),
        ("pending_load_value", u32),
        # CP0. Random and Count are functions of `clock` and are not stored.
        ("status", u32),
        ("cause", u32),  # without IP7:2, which are the lines below
        ("epc", u32),
        ("bad_vaddr", u32),
        ("context", u32),
        ("entry_hi", u32),
        ("entry_lo", u32),
        ("index", u32),
        ("compare", u32),
        ("target_address", u32),  # TAR of the lsi profile
        ("tlb_entry_hi", u32 * TLB_SIZE),
        ("tlb_entry_lo", u32 * TLB_SIZE),
        # Interrupt lines as Cause shows them: bits 15:10. `interrupt_lines` is set by the board
        # (level), `timer_line` by the on-chip timer.
        ("interrupt_lines", u32),
        ("timer_line", u32),
        ("timer_armed", u32),
        ("ll_pending", u32),
        ("ll_address", u32),
        ("ll_value", u32),
        ("enabled", u32),  # 0: held in reset by the board
        ("waiting", u32),  # 1: in WAIT until a line rises
        ("identity", u32),  # processor number on the board
        # 1: exceptions are not taken; the engine is left instead, for a monitor to handle them.
        ("supervised", u32),
        # Time. `clock` counts the board's cycles; Count and Random count only cycles in which
        # this processor runs: Count = clock - count_origin.
        ("clock", u64),
        ("count_origin", u64),
        ("random_origin", u64),
        ("hi_ready", u64),  # first cycle at which HI can be used without a stall
        ("lo_ready", u64),
        # Counters, for statistics.
        ("kernel_cycles", u64),
        ("user_cycles", u64),
        ("idle_cycles", u64),
        ("kernel_stalls", u64),
        ("user_stalls", u64),
        ("exceptions", u64 * 32),  # by ExcCode; 0 is interrupts
        ("tlb_refills", u64),  # exceptions through the refill vector
        ("ll_count", u64),
        ("sc_success", u64),
        ("sc_failure", u64),
        ("sync_count", u64),
        # Exceptions, interrupts left out, that kept an instruction of user mode from completing.
        ("user_exceptions", u64),
        # The last exception that was taken with BEV set and outside the boot ROM, which has no
        # handler: EPC, Cause and BadVAddr, which exceptions in the ROM overwrite.
        ("boot_epc", u32),
        ("boot_cause", u32),
        ("boot_bad_vaddr", u32),
    ]

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
