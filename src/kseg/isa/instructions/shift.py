"""Shifts, by an amount in the instruction or in the low five bits of a register."""

from kseg.isa.instruction import instruction
from kseg.isa.semantics import Processor
from kseg.isa.values import Value, signed


@instruction("000000 ----- ttttt ddddd hhhhh 000000", "sll d, t, h")
def sll(cpu: Processor, t: int, d: int, h: Value) -> None:
    """Shift left."""
    cpu.gpr[d] = cpu.gpr[t] << h


@instruction("000000 ----- ttttt ddddd hhhhh 000010", "srl d, t, h")
def srl(cpu: Processor, t: int, d: int, h: Value) -> None:
    """Shift right; zeros come in."""
    cpu.gpr[d] = cpu.gpr[t] >> h


@instruction("000000 ----- ttttt ddddd hhhhh 000011", "sra d, t, h")
def sra(cpu: Processor, t: int, d: int, h: Value) -> None:
    """Shift right; copies of the sign come in."""
    cpu.gpr[d] = signed(cpu.gpr[t]) >> h


@instruction("000000 sssss ttttt ddddd ----- 000100", "sllv d, t, s")
def sllv(cpu: Processor, s: int, t: int, d: int) -> None:
    """Shift left by a register."""
    cpu.gpr[d] = cpu.gpr[t] << (cpu.gpr[s] & 31)


@instruction("000000 sssss ttttt ddddd ----- 000110", "srlv d, t, s")
def srlv(cpu: Processor, s: int, t: int, d: int) -> None:
    """Shift right by a register; zeros come in."""
    cpu.gpr[d] = cpu.gpr[t] >> (cpu.gpr[s] & 31)


@instruction("000000 sssss ttttt ddddd ----- 000111", "srav d, t, s")
def srav(cpu: Processor, s: int, t: int, d: int) -> None:
    """Shift right by a register; copies of the sign come in."""
    cpu.gpr[d] = signed(cpu.gpr[t]) >> (cpu.gpr[s] & 31)
