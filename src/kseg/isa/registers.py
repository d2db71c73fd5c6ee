"""Names and numbers of the general registers, and the bits of the Status and Cause registers.

MIPS RISC Architecture (Kane, Heinrich), chapters 2 and 6; the names follow the o32 convention.
"""

GPR_NAMES = (
    "zero at v0 v1 a0 a1 a2 a3 t0 t1 t2 t3 t4 t5 t6 t7 "
    "s0 s1 s2 s3 s4 s5 s6 s7 t8 t9 k0 k1 gp sp fp ra"
).split()

GPR_NUMBERS = (
    {name: number for number, name in enumerate(GPR_NAMES)}
    | {str(number): number for number in range(32)}
    | {f"r{number}": number for number in range(32)}
    | {"s8": 30}
)

FPR_NAMES = tuple(f"f{number}" for number in range(32))
"""The floating-point registers."""

RETURN_ADDRESS = 31

# Status: the three-deep stack of kernel/user mode and interrupt enable, and the rest.
STATUS_IEC = 1 << 0
STATUS_KUC = 1 << 1
STATUS_KUP = 1 << 3
STATUS_STACK = 0x3F
STATUS_IM = 0xFF00
STATUS_ISC = 1 << 16
STATUS_SWC = 1 << 17
STATUS_BEV = 1 << 22
STATUS_CU_SHIFT = 28

# Cause.
CAUSE_CODE_SHIFT = 2
CAUSE_SOFTWARE_INTERRUPTS = 0x300
CAUSE_INTERRUPT_LINES = 0xFC00
TIMER_LINE = 1 << 15
"""IP7, which the on-chip timer of mips161 raises."""
FLOATING_POINT_LINE = 1 << 15
"""IP7, which the floating-point unit raises on a DECstation. No profile has it and the timer."""
WAKING_LINES = 0xC00
"""IP2 and IP3, bus and inter-processor: the lines that end WAIT."""
CAUSE_CE_SHIFT = 28
CAUSE_BRANCH_TAKEN = 1 << 30
CAUSE_BD = 1 << 31

# EntryHi and EntryLo; Index and Random keep their number in bits 13:8.
VPN_MASK = 0xFFFFF000
ASID_MASK = 0xFC0
ASID_SHIFT = 6
ENTRY_LO_MASK = 0xFFFFFF00
ENTRY_LO_N = 1 << 11
ENTRY_LO_D = 1 << 10
ENTRY_LO_V = 1 << 9
ENTRY_LO_G = 1 << 8
INDEX_SHIFT = 8
INDEX_MASK = 0x3F00
INDEX_PROBE_FAILED = 1 << 31

KSEG0 = 0x80000000
KSEG1 = 0xA0000000
KSEG2 = 0xC0000000
UNMAPPED_MASK = 0x1FFFFFFF
