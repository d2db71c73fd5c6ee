"""Addition, subtraction and comparison."""

from kseg.isa.exceptions import ExceptionCode
from kseg.isa.instruction import instruction
from kseg.isa.semantics import Processor
from kseg.isa.values import Value, signed


@instruction("000000 sssss ttttt ddddd ----- 100000", "add d, s, t")
def add(cpu: Processor, s: int, t: int, d: int) -> None:
    """Add; trap on two's-complement overflow and leave d unchanged."""
    total = signed(cpu.gpr[s]) + signed(cpu.gpr[t])
    cpu.trap_if(total != signed(total), ExceptionCode.OVERFLOW)
    cpu.gpr[d] = total


@instruction("000000 sssss ttttt ddddd ----- 100001", "addu d, s, t")
def addu(cpu: Processor, s: int, t: int, d: int) -> None:
    """Add; overflow is ignored."""
    cpu.gpr[d] = cpu.gpr[s] + cpu.gpr[t]


@instruction("000000 sssss ttttt ddddd ----- 100010", "sub d, s, t")
def sub(cpu: Processor, s: int, t: int, d: int) -> None:
    """Subtract; trap on two's-complement overflow and leave d unchanged."""
    difference = signed(cpu.gpr[s]) - signed(cpu.gpr[t])
    cpu.trap_if(difference != signed(difference), ExceptionCode.OVERFLOW)
    cpu.gpr[d] = difference


@instruction("000000 sssss ttttt ddddd ----- 100011", "subu d, s, t")
def subu(cpu: Processor, s: int, t: int, d: int) -> None:
    """Subtract; overflow is ignored."""
    cpu.gpr[d] = cpu.gpr[s] - cpu.gpr[t]


@instruction("001000 sssss ttttt iiiiiiiiiiiiiiii", "addi t, s, i")
def addi(cpu: Processor, s: int, t: int, i: Value) -> None:
    """Add an immediate; trap on two's-complement overflow and leave t unchanged."""
    total = signed(cpu.gpr[s]) + signed(i, 16)
    cpu.trap_if(total != signed(total), ExceptionCode.OVERFLOW)
    cpu.gpr[t] = total


@instruction("001001 sssss ttttt iiiiiiiiiiiiiiii", "addiu t, s, i")
def addiu(cpu: Processor, s: int, t: int, i: Value) -> None:
    """Add an immediate, which is sign-extended; overflow is ignored."""
    cpu.gpr[t] = cpu.gpr[s] + signed(i, 16)


@instruction("000000 sssss ttttt ddddd ----- 101010", "slt d, s, t")
def slt(cpu: Processor, s: int, t: int, d: int) -> None:
    """Set d to 1 if s is less than t as signed numbers, else to 0."""
    cpu.gpr[d] = signed(cpu.gpr[s]) < signed(cpu.gpr[t])


@instruction("000000 sssss ttttt ddddd ----- 101011", "sltu d, s, t")
def sltu(cpu: Processor, s: int, t: int, d: int) -> None:
    """Set d to 1 if s is less than t as unsigned numbers, else to 0."""
    cpu.gpr[d] = cpu.gpr[s] < cpu.gpr[t]


@instruction("001010 sssss ttttt iiiiiiiiiiiiiiii", "slti t, s, i")
def slti(cpu: Processor, s: int, t: int, i: Value) -> None:
    """Set t to 1 if s is less than the immediate as signed numbers, else to 0."""
    cpu.gpr[t] = signed(cpu.gpr[s]) < signed(i, 16)


@instruction("001011 sssss ttttt iiiiiiiiiiiiiiii", "sltiu t, s, i")
def sltiu(cpu: Processor, s: int, t: int, i: Value) -> None:
    """Set t to 1 if s is less than the sign-extended immediate, both taken as unsigned."""
    cpu.gpr[t] = cpu.gpr[s] < (signed(i, 16) & 0xFFFFFFFF)
