"""Where things of the guest are: registers in the state, pages in the address space."""

from kseg.engine.interpreter.layout import STATE_OFFSETS
from kseg.engine.translator.effects import FCSR, FPR, HI, LO
from kseg.isa import registers as r


def register_offset(register: int) -> int:
    """Where the processor's state has a register."""
    if register == HI:
        return STATE_OFFSETS["hi"]
    if register == LO:
        return STATE_OFFSETS["lo"]
    if register == FCSR:
        return STATE_OFFSETS["fcsr"]
    if register >= FPR:
        return STATE_OFFSETS["fpr"] + 4 * (register - FPR)
    return STATE_OFFSETS["gpr"] + 4 * register


def is_window(page: int) -> bool:
    """Does the virtual page lie in kseg0 or kseg1, whose mapping never changes?"""
    return r.KSEG0 <= page << 12 < r.KSEG2
