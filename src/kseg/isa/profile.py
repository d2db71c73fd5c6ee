"""Processor profiles: what differs between the R3000s that guests were written for.

"R3000" is three contracts. Each profile is plain data and a few functions of values, so that an
instruction's declaration names the difference and never asks which processor it runs on.
"""

from collections.abc import Callable

import msgspec

from kseg.isa.floating_point import FIR_R3010
from kseg.isa.values import WORD, Value, select


def _divide_by_zero_r3000(dividend: Value, is_signed: bool) -> tuple[Value, Value]:
    """LO is -1 or +1 against the dividend's sign, HI the dividend (as measured on hardware)."""
    if is_signed:
        return select(dividend < 0, 1, WORD), dividend
    return WORD, dividend


def _divide_by_zero_mips161(dividend: Value, is_signed: bool) -> tuple[Value, Value]:
    """LO is the largest number, or all ones for a negative dividend; HI is zero."""
    if is_signed:
        return select(dividend < 0, WORD, 0x7FFFFFFF), 0
    return WORD, 0


def _random_down(cycles: Value) -> Value:
    """63 at reset, one less each cycle, 63 again after 8."""
    return 63 - cycles % 56


def _random_up(cycles: Value) -> Value:
    """63 at reset, then 8, one more each cycle up to 63."""
    return 8 + (cycles + 55) % 56


class Profile(msgspec.Struct, frozen=True):
    """One processor: its identity, its timing, and where it departs from the others."""

    name: str
    summary: str
    byte_orders: tuple[str, ...]
    processor_id: int
    """PRId."""
    divide_by_zero: Callable[[Value, bool], tuple[Value, Value]]
    """(LO, HI) of a division by zero, from the dividend and whether the division is signed."""
    random: Callable[[Value], Value]
    """Random as a function of the cycles that the processor has run."""
    status_writable: int
    """Status bits that can be written."""
    status_fatal: int = 0
    """Status bits whose setting is fatal to the machine."""
    status_at_reset: int = 1 << 22
    has_tlb: bool = True
    """There is a TLB."""
    load_delay: bool = True
    """The instruction after a load still sees the register's old value."""
    hi_lo_interlock: bool = False
    """An instruction that needs HI or LO right after one that computes it waits one cycle."""
    timer: bool = False
    """Count and Compare exist and raise interrupt line 7."""
    early_fetch_faults: bool = False
    """A jump to an address that cannot be fetched faults at the jump, before its delay slot."""
    links_first: bool = False
    """A call writes its link before it looks at its condition and its target: a fault at the target
    leaves the link, and where the register of both is one, the link counts."""
    clobbers_on_exception: bool = False
    """BadVAddr and Context are overwritten by every exception, with 0 where there is no address."""
    exact_bad_vaddr: bool = True
    """A fault of a byte, halfword or partial-word access reports its exact address."""
    untaken_branch_has_slot: bool = True
    """The instruction after a branch that is not taken is in a delay slot (Cause.BD)."""
    duplicate_tlb_is_fatal: bool = False
    """A TLB write that could make two entries match one address is fatal to the machine."""
    has_register_selects: bool = False
    """mfc0 and mtc0 have a select field, and registers that do not exist are reserved."""
    kernel_cp0_only: bool = False
    """CP0 in user mode traps whatever CU0 says."""
    coprocessors: tuple[int, ...] = ()
    """Of coprocessors 1 to 3, those that a set CU bit makes usable."""
    floating_point: str = ""
    """The floating-point unit: `complete` computes every case by itself, `r3010` leaves the hard
    ones to the kernel, as the real part does, by an interrupt on line 7; `absent`: it could be
    there, and CFC1 reads zeros; or coprocessor 1 is never usable."""
    fir: int = 0
    """FIR, the floating-point unit's implementation and revision."""
    variant_of: str = ""
    """The profile whose instructions and registers of CP0 are its, too."""
    mirrors_opcode_in_cause: bool = False
    """Cause.CE shows opcode bits 27:26 at every exception, and TAR and BT exist (lsi core)."""

    @property
    def has_floating_point(self) -> bool:
        """Is there a floating-point unit?"""
        return self.floating_point in ("complete", "r3010")

    @property
    def family(self) -> str:
        """The name under which its instructions and registers are declared."""
        return self.variant_of or self.name


R3000 = Profile(
    name="r3000",
    summary="R3000A as in a DECstation: load delay visible, caches that can be isolated",
    byte_orders=("little", "big"),
    processor_id=0x0220,
    divide_by_zero=_divide_by_zero_r3000,
    random=_random_down,
    status_writable=0xF04BFF3F,
    coprocessors=(),
)

R3000_COMPLETE = msgspec.structs.replace(
    R3000,
    name="r3000-fpu",
    summary="r3000 with a floating-point unit that computes every case by itself",
    coprocessors=(1,),
    floating_point="complete",
    fir=FIR_R3010,
    variant_of="r3000",
)

R3000_R3010 = msgspec.structs.replace(
    R3000_COMPLETE,
    name="r3000-r3010",
    summary="r3000 with an R3010, which leaves denormal numbers and the like to the kernel",
    floating_point="r3010",
)

R3000_INTERLOCKED = msgspec.structs.replace(
    R3000_COMPLETE,
    name="r3000-interlocked",
    summary="r3000-fpu that waits for loads, as programs want it that were built for later MIPS",
    load_delay=False,
)

R3000_INTERLOCKED_R3010 = msgspec.structs.replace(
    R3000_R3010,
    name="r3000-interlocked-r3010",
    summary="r3000-r3010 that waits for loads",
    load_delay=False,
)

R3000_INTERLOCKED_NO_FPU = msgspec.structs.replace(
    R3000,
    name="r3000-interlocked-nofpu",
    summary="r3000 that waits for loads, on a board whose place for an R3010 is empty",
    load_delay=False,
    coprocessors=(1,),
    floating_point="absent",
    variant_of="r3000",
)

MIPS161 = Profile(
    name="mips161",
    summary="System/161's processor: LL/SC, WAIT, an on-chip timer, no load delay",
    byte_orders=("big",),
    processor_id=0xA1,
    divide_by_zero=_divide_by_zero_mips161,
    random=_random_up,
    status_writable=0xF040FF3F,
    status_fatal=0x30000,
    load_delay=False,
    hi_lo_interlock=True,
    timer=True,
    early_fetch_faults=True,
    links_first=True,
    clobbers_on_exception=True,
    exact_bad_vaddr=False,
    untaken_branch_has_slot=False,
    duplicate_tlb_is_fatal=True,
    has_register_selects=True,
    kernel_cp0_only=True,
)

LSI = Profile(
    name="lsi",
    summary="LSI's R3000 core (CW33300): no TLB, load delay visible, branch target in TAR",
    byte_orders=("little",),
    processor_id=2,
    divide_by_zero=_divide_by_zero_r3000,
    random=_random_down,
    status_writable=0xF04BFF3F,
    status_at_reset=1 << 22,
    has_tlb=False,
    coprocessors=(2,),
    mirrors_opcode_in_cause=True,
)

PROFILES = {
    profile.name: profile
    for profile in (
        R3000,
        R3000_COMPLETE,
        R3000_R3010,
        R3000_INTERLOCKED,
        R3000_INTERLOCKED_R3010,
        R3000_INTERLOCKED_NO_FPU,
        MIPS161,
        LSI,
    )
}


def profile_named(name: str) -> Profile:
    """The profile called `name`; ValueError lists those that exist."""
    try:
        return PROFILES[name]
    except KeyError:
        known = ", ".join(PROFILES)
        raise ValueError(f"no processor profile {name!r}; there are: {known}") from None
