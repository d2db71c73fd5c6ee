"""The registers of the floating-point unit, and the numbers of its operations and formats.

MIPS RISC Architecture (Kane, Heinrich), chapters 8 and 9; R3010's FIR as a DECstation 5000/200
shows it. What the operations compute is in `kseg.engine.floating_point`.
"""

from kseg.isa.registers import STATUS_CU_SHIFT
from kseg.isa.values import Value

FIR, FCSR = 0, 31
"""The control registers that exist. Others read as zero, and writes to them do nothing."""

FIR_R3010 = 0x340
"""R3010A, revision 4.0."""

# FCSR: rounding mode; flags (sticky), enables and causes of the five exceptions, one bit each from
# inexact up; the cause E above them; the condition.
ROUNDING = 3
FLAGS_SHIFT, ENABLES_SHIFT, CAUSES_SHIFT = 2, 7, 12
CAUSES = 0x3F << CAUSES_SHIFT
CONDITION = 1 << 23
FCSR_WRITABLE = CONDITION | CAUSES | 0xFFF

USABLE = 1 << (STATUS_CU_SHIFT + 1)
"""Status.CU1."""

NEAREST, TO_ZERO, UP, DOWN = 0, 1, 2, 3
"""The rounding modes."""

INEXACT, UNDERFLOW, OVERFLOW, DIVISION_BY_ZERO, INVALID, UNIMPLEMENTED = (1, 2, 4, 8, 16, 32)
"""The events, as bits of the cause field (the last of that alone), the enables and the flags."""

SINGLE, DOUBLE, WORD = 16, 17, 20
"""Formats, as the field of the instruction has them."""

ADD, SUBTRACT, MULTIPLY, DIVIDE = 0, 1, 2, 3
ABSOLUTE, MOVE, NEGATE = 5, 6, 7
CONVERT_TO_SINGLE, CONVERT_TO_DOUBLE, CONVERT_TO_WORD = 0x20, 0x21, 0x24
COMPARE = 0x30
"""Operations, as the last field of the instruction has them. A comparison has four bits more."""
IF_UNORDERED, IF_EQUAL, IF_LESS, SIGNALS = 1, 2, 4, 8

CONDITIONS = "f un eq ueq olt ult ole ule sf ngle seq ngl lt nge le ngt".split()
"""The comparisons, by number."""


def has_two_operands(operation: int) -> bool:
    """Is it an operation of fs and ft?"""
    return operation <= DIVIDE or operation >= COMPARE


def result_format(format_: int, operation: int) -> int:
    """The format of what an operation that is no comparison gives."""
    converted = {CONVERT_TO_SINGLE: SINGLE, CONVERT_TO_DOUBLE: DOUBLE, CONVERT_TO_WORD: WORD}
    return converted.get(operation, format_)


def signals(fcsr: Value) -> Value:
    """Whether the unit's interrupt line is up, not 0 if it is: for a cause that is enabled, or for
    "unimplemented operation"."""
    return (fcsr >> CAUSES_SHIFT) & ((fcsr >> ENABLES_SHIFT & 31) | UNIMPLEMENTED)
