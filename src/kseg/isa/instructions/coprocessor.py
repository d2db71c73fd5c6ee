"""Instructions for coprocessors 1 to 3, and the rest of what CP0 decodes.

A coprocessor instruction traps as unusable, so that an operating system can emulate it, unless the
profile has the unit and its CU bit is set.
"""

from kseg.isa.exceptions import ExceptionCode
from kseg.isa.instruction import instruction
from kseg.isa.registers import STATUS_CU_SHIFT
from kseg.isa.semantics import Processor
from kseg.isa.values import Value, signed


def require(cpu: Processor, unit: int) -> bool:
    """Trap unless coprocessor `unit` exists and Status makes it usable; does it exist?"""
    if unit in cpu.profile.coprocessors:
        usable = cpu.status & (1 << (STATUS_CU_SHIFT + unit))
        cpu.trap_if(usable == 0, ExceptionCode.COPROCESSOR_UNUSABLE, unit)
    else:
        cpu.trap(ExceptionCode.COPROCESSOR_UNUSABLE, unit)
    return unit in cpu.profile.coprocessors


@instruction("010010 fffff fffff fffff fffffffffff", "cop2 f")
def cop2(cpu: Processor) -> None:
    """Coprocessor 2 operation."""
    require(cpu, 2)


@instruction("010011 fffff fffff fffff fffffffffff", "cop3 f")
def cop3(cpu: Processor) -> None:
    """Coprocessor 3 operation."""
    require(cpu, 3)


@instruction("110000 sssss ttttt iiiiiiiiiiiiiiii", "lwc0 $t, i(s)", profiles="r3000 lsi")
def lwc0(cpu: Processor) -> None:
    """Load word to coprocessor 0: unusable, whatever the mode."""
    cpu.trap(ExceptionCode.COPROCESSOR_UNUSABLE, 0)


@instruction("110010 sssss ttttt iiiiiiiiiiiiiiii", "lwc2 $t, i(s)")
def lwc2(cpu: Processor) -> None:
    """Load word to coprocessor 2."""
    require(cpu, 2)


@instruction("110011 sssss ttttt iiiiiiiiiiiiiiii", "lwc3 $t, i(s)")
def lwc3(cpu: Processor) -> None:
    """Load word to coprocessor 3."""
    require(cpu, 3)


@instruction("111000 sssss ttttt iiiiiiiiiiiiiiii", "swc0 $t, i(s)", profiles="r3000 lsi")
def swc0(cpu: Processor) -> None:
    """Store word from coprocessor 0: unusable, whatever the mode."""
    cpu.trap(ExceptionCode.COPROCESSOR_UNUSABLE, 0)


@instruction("111010 sssss ttttt iiiiiiiiiiiiiiii", "swc2 $t, i(s)")
def swc2(cpu: Processor) -> None:
    """Store word from coprocessor 2."""
    require(cpu, 2)


@instruction("111011 sssss ttttt iiiiiiiiiiiiiiii", "swc3 $t, i(s)")
def swc3(cpu: Processor) -> None:
    """Store word from coprocessor 3."""
    require(cpu, 3)


@instruction("010000 00010 ttttt ddddd -----------", "cfc0 t, $d")
def cfc0(cpu: Processor) -> None:
    """Move from a CP0 control register: there are none, so unusable."""
    cpu.trap(ExceptionCode.COPROCESSOR_UNUSABLE, 0)


@instruction("010000 00110 ttttt ddddd -----------", "ctc0 t, $d")
def ctc0(cpu: Processor) -> None:
    """Move to a CP0 control register: there are none, so unusable."""
    cpu.trap(ExceptionCode.COPROCESSOR_UNUSABLE, 0)


def _branch_on_cp0(cpu: Processor, taken: bool, target: Value) -> None:
    """The CpCond0 line reads true: it says that the write buffer is empty."""
    if cpu.profile.kernel_cp0_only:
        cpu.trap(ExceptionCode.COPROCESSOR_UNUSABLE, 0)
    else:
        cpu.require_cp0()
        cpu.branch(taken, target)


@instruction("010000 01000 00000 bbbbbbbbbbbbbbbb", "bc0f b", branch=True)
def bc0f(cpu: Processor, b: Value) -> None:
    """Branch if CpCond0 is false, which it never is: the write buffer is always empty."""
    _branch_on_cp0(cpu, False, cpu.next_pc + (signed(b, 16) << 2))


@instruction("010000 01000 00001 bbbbbbbbbbbbbbbb", "bc0t b", branch=True)
def bc0t(cpu: Processor, b: Value) -> None:
    """Branch if CpCond0 is true, which it always is: the write buffer is always empty."""
    _branch_on_cp0(cpu, True, cpu.next_pc + (signed(b, 16) << 2))
