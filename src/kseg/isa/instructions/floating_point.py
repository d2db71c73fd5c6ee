"""Coprocessor 1, the floating-point unit: loads, stores, moves and branches.

Where a profile has no unit, all its instructions trap as unusable, as they do with a unit while
Status.CU1 is clear. What a load, MTC1 or CTC1 brings, and a comparison's condition, is there for
the next instruction; what MFC1 and CFC1 bring comes after the load delay. Programs for the R3010
wait longer, and see no difference.

Source: MIPS RISC Architecture (Kane, Heinrich), chapter 8 and appendix B.
"""

from kseg.isa.exceptions import ExceptionCode
from kseg.isa.floating_point import CONDITION, FCSR, FCSR_WRITABLE, FIR
from kseg.isa.instruction import instruction
from kseg.isa.instructions.coprocessor import require
from kseg.isa.semantics import Processor
from kseg.isa.values import Value, select, signed, word


def _is_there(cpu: Processor) -> bool:
    """Is there a unit? Trap if not, or if it is unusable."""
    if not require(cpu, 1):
        return False
    if not cpu.profile.has_floating_point:
        cpu.trap(ExceptionCode.RESERVED_INSTRUCTION)
    return cpu.profile.has_floating_point


@instruction("110001 sssss ttttt iiiiiiiiiiiiiiii", "lwc1 $ft, i(s)")
def lwc1(cpu: Processor, s: int, t: Value, i: Value) -> None:
    """Load word to the floating-point unit."""
    if _is_there(cpu):
        cpu.fpr[t] = cpu.load(word(cpu.gpr[s] + signed(i, 16)), 4)


@instruction("111001 sssss ttttt iiiiiiiiiiiiiiii", "swc1 $ft, i(s)")
def swc1(cpu: Processor, s: int, t: Value, i: Value) -> None:
    """Store word from the floating-point unit."""
    if _is_there(cpu):
        cpu.store(word(cpu.gpr[s] + signed(i, 16)), 4, cpu.fpr[t])


@instruction("010001 00000 ttttt vvvvv 00000000000", "mfc1 t, $fv", floating_point=True)
def mfc1(cpu: Processor, t: int, v: Value) -> None:
    """Move from the floating-point unit."""
    require(cpu, 1)
    cpu.load_gpr(t, cpu.fpr[v])


@instruction("010001 00100 ttttt vvvvv 00000000000", "mtc1 t, $fv", floating_point=True)
def mtc1(cpu: Processor, t: int, v: Value) -> None:
    """Move to the floating-point unit."""
    require(cpu, 1)
    cpu.fpr[v] = cpu.gpr[t]


@instruction("010001 00010 ttttt vvvvv 00000000000", "cfc1 t, $v", floating_point=True, probe=True)
def cfc1(cpu: Processor, t: int, v: Value) -> None:
    """Move from a control register: $31 is FCSR, $0 is FIR, the others are zero.

    Kernels ask FIR whether there is a unit: where its place is empty, all are zero.
    """
    require(cpu, 1)
    cpu.load_gpr(t, select(v == FCSR, cpu.fcsr, select(v == FIR, cpu.profile.fir, 0)))


@instruction("010001 00110 ttttt vvvvv 00000000000", "ctc1 t, $v", floating_point=True)
def ctc1(cpu: Processor, t: int, v: Value) -> None:
    """Move to a control register: only $31, FCSR, can be written.

    The interrupt line follows at once: it is up while a cause has its enable, or is
    "unimplemented operation". An interrupt that this raises is taken before the next instruction.
    """
    require(cpu, 1)
    cpu.write_fcsr(select(v == FCSR, cpu.gpr[t] & FCSR_WRITABLE, cpu.fcsr))


def _branch_if(cpu: Processor, condition: Value, offset: Value) -> None:
    require(cpu, 1)
    cpu.branch(condition, cpu.next_pc + (signed(offset, 16) << 2))


@instruction("010001 01000 00000 bbbbbbbbbbbbbbbb", "bc1f b", branch=True, floating_point=True)
def bc1f(cpu: Processor, b: Value) -> None:
    """Branch if the condition of the last comparison is false."""
    _branch_if(cpu, (cpu.fcsr & CONDITION) == 0, b)


@instruction("010001 01000 00001 bbbbbbbbbbbbbbbb", "bc1t b", branch=True, floating_point=True)
def bc1t(cpu: Processor, b: Value) -> None:
    """Branch if the condition of the last comparison is true."""
    _branch_if(cpu, (cpu.fcsr & CONDITION) != 0, b)


@instruction("010001 fffff fffff fffff fffffffffff", "cop1 f", rest=True)
def cop1(cpu: Processor) -> None:
    """Coprocessor 1 operation that the unit does not have.

    An R3010 raises "unimplemented operation". A unit that is complete, which never does, leaves it
    to the processor: a reserved instruction, of which kernels make the same.
    """
    if require(cpu, 1):
        if cpu.profile.floating_point == "r3010":
            cpu.raise_unimplemented()
        else:
            cpu.trap(ExceptionCode.RESERVED_INSTRUCTION)
