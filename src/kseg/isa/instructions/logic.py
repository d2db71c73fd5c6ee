"""Bitwise operations. Immediates are zero-extended."""

from kseg.isa.instruction import instruction
from kseg.isa.semantics import Processor
from kseg.isa.values import Value


@instruction("000000 sssss ttttt ddddd ----- 100100", "and d, s, t")
def and_(cpu: Processor, s: int, t: int, d: int) -> None:
    """Bitwise and."""
    cpu.gpr[d] = cpu.gpr[s] & cpu.gpr[t]


@instruction("000000 sssss ttttt ddddd ----- 100101", "or d, s, t")
def or_(cpu: Processor, s: int, t: int, d: int) -> None:
    """Bitwise or."""
    cpu.gpr[d] = cpu.gpr[s] | cpu.gpr[t]


@instruction("000000 sssss ttttt ddddd ----- 100110", "xor d, s, t")
def xor(cpu: Processor, s: int, t: int, d: int) -> None:
    """Bitwise exclusive or."""
    cpu.gpr[d] = cpu.gpr[s] ^ cpu.gpr[t]


@instruction("000000 sssss ttttt ddddd ----- 100111", "nor d, s, t")
def nor(cpu: Processor, s: int, t: int, d: int) -> None:
    """Bitwise or, complemented."""
    cpu.gpr[d] = ~(cpu.gpr[s] | cpu.gpr[t])


@instruction("001100 sssss ttttt uuuuuuuuuuuuuuuu", "andi t, s, u")
def andi(cpu: Processor, s: int, t: int, u: Value) -> None:
    """Bitwise and with an immediate."""
    cpu.gpr[t] = cpu.gpr[s] & u


@instruction("001101 sssss ttttt uuuuuuuuuuuuuuuu", "ori t, s, u")
def ori(cpu: Processor, s: int, t: int, u: Value) -> None:
    """Bitwise or with an immediate."""
    cpu.gpr[t] = cpu.gpr[s] | u


@instruction("001110 sssss ttttt uuuuuuuuuuuuuuuu", "xori t, s, u")
def xori(cpu: Processor, s: int, t: int, u: Value) -> None:
    """Bitwise exclusive or with an immediate."""
    cpu.gpr[t] = cpu.gpr[s] ^ u


@instruction("001111 ----- ttttt uuuuuuuuuuuuuuuu", "lui t, u")
def lui(cpu: Processor, t: int, u: Value) -> None:
    """Load the immediate into the upper half of t; the lower half is zero."""
    cpu.gpr[t] = u << 16
