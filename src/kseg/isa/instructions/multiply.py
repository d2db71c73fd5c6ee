"""Multiplication and division into HI and LO, and the moves from and to them."""

from kseg.isa.instruction import instruction
from kseg.isa.semantics import Processor
from kseg.isa.values import Value, divide, select, signed


def _multiply(cpu: Processor, first: Value, second: Value) -> None:
    cpu.interlock(hi=True, lo=True)
    product = first * second
    cpu.lo = product
    cpu.hi = product >> 32
    cpu.occupy(hi=True, lo=True)


def _divide(cpu: Processor, dividend: Value, divisor: Value, is_signed: bool) -> None:
    cpu.interlock(hi=True, lo=True)
    by_zero = divisor == 0
    zero_lo, zero_hi = cpu.profile.divide_by_zero(dividend, is_signed)
    quotient, remainder = divide(dividend, select(by_zero, 1, divisor))
    cpu.lo = select(by_zero, zero_lo, quotient)
    cpu.hi = select(by_zero, zero_hi, remainder)
    cpu.occupy(hi=True, lo=True)


@instruction("000000 sssss ttttt ----- ----- 011000", "mult s, t")
def mult(cpu: Processor, s: int, t: int) -> None:
    """Multiply as signed numbers; the 64-bit product goes to HI and LO."""
    _multiply(cpu, signed(cpu.gpr[s]), signed(cpu.gpr[t]))


@instruction("000000 sssss ttttt ----- ----- 011001", "multu s, t")
def multu(cpu: Processor, s: int, t: int) -> None:
    """Multiply as unsigned numbers; the 64-bit product goes to HI and LO."""
    _multiply(cpu, cpu.gpr[s], cpu.gpr[t])


@instruction("000000 sssss ttttt ----- ----- 011010", "div zero, s, t")
def div(cpu: Processor, s: int, t: int) -> None:
    """Divide as signed numbers; LO is the quotient, truncated, HI the remainder.

    Nothing traps. The most negative number divided by -1 gives itself, remainder 0; what a
    division by zero gives is the profile's.
    """
    _divide(cpu, signed(cpu.gpr[s]), signed(cpu.gpr[t]), is_signed=True)


@instruction("000000 sssss ttttt ----- ----- 011011", "divu zero, s, t")
def divu(cpu: Processor, s: int, t: int) -> None:
    """Divide as unsigned numbers; LO is the quotient, HI the remainder. Nothing traps."""
    _divide(cpu, cpu.gpr[s], cpu.gpr[t], is_signed=False)


@instruction("000000 ----- ----- ddddd ----- 010000", "mfhi d")
def mfhi(cpu: Processor, d: int) -> None:
    """Move from HI."""
    cpu.interlock(hi=True, lo=False)
    cpu.gpr[d] = cpu.hi
    cpu.occupy(hi=True, lo=False)


@instruction("000000 ----- ----- ddddd ----- 010010", "mflo d")
def mflo(cpu: Processor, d: int) -> None:
    """Move from LO."""
    cpu.interlock(hi=False, lo=True)
    cpu.gpr[d] = cpu.lo
    cpu.occupy(hi=False, lo=True)


@instruction("000000 sssss ----- ----- ----- 010001", "mthi s")
def mthi(cpu: Processor, s: int) -> None:
    """Move to HI."""
    cpu.interlock(hi=True, lo=False)
    cpu.hi = cpu.gpr[s]
    cpu.occupy(hi=True, lo=False)


@instruction("000000 sssss ----- ----- ----- 010011", "mtlo s")
def mtlo(cpu: Processor, s: int) -> None:
    """Move to LO."""
    cpu.interlock(hi=False, lo=True)
    cpu.lo = cpu.gpr[s]
    cpu.occupy(hi=False, lo=True)
