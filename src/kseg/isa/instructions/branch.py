"""Jumps and branches. Each has one delay slot, which always executes.

Targets count from the delay slot's address, `next_pc`; links point behind the delay slot. In the
delay slot of a taken branch `next_pc` is that branch's target, which makes a branch there do
what the hardware does.
"""

from kseg.isa.instruction import instruction
from kseg.isa.registers import RETURN_ADDRESS
from kseg.isa.semantics import Processor
from kseg.isa.values import Value, select, signed


def _branch_if(cpu: Processor, condition: Value, offset: Value) -> None:
    cpu.branch(condition, cpu.next_pc + (signed(offset, 16) << 2))


def _call_if(cpu: Processor, condition: Value, offset: Value, link: Value) -> None:
    cpu.branch(condition, cpu.next_pc + (signed(offset, 16) << 2), (RETURN_ADDRESS, link))


def _after_link(cpu: Processor, source: int, register: int, link: Value) -> Value:
    """The register `source` as a call sees it whose link goes to `register`."""
    if not cpu.profile.links_first:
        return cpu.gpr[source]
    is_link = (source == register) & (register != 0)
    return select(is_link, link, cpu.gpr[source])


@instruction("000010 jjjjjjjjjjjjjjjjjjjjjjjjjj", "j j", branch=True)
def j(cpu: Processor, j: Value) -> None:
    """Jump within the 256 MiB that the delay slot lies in."""
    cpu.branch(True, (cpu.next_pc & 0xF0000000) | j << 2)


@instruction("000011 jjjjjjjjjjjjjjjjjjjjjjjjjj", "jal j", branch=True)
def jal(cpu: Processor, j: Value) -> None:
    """Jump and link: ra points behind the delay slot."""
    target = (cpu.next_pc & 0xF0000000) | j << 2
    cpu.branch(True, target, (RETURN_ADDRESS, cpu.next_pc + 4))


@instruction("000000 sssss ----- ----- ----- 001000", "jr s", branch=True)
def jr(cpu: Processor, s: int) -> None:
    """Jump to the address in a register."""
    cpu.branch(True, cpu.gpr[s])


@instruction("000000 sssss ----- ddddd ----- 001001", "jalr d, s", branch=True)
def jalr(cpu: Processor, s: int, d: int) -> None:
    """Jump to the address in a register; d points behind the delay slot."""
    link = cpu.next_pc + 4
    cpu.branch(True, _after_link(cpu, s, d, link), (d, link))


@instruction("000100 sssss ttttt bbbbbbbbbbbbbbbb", "beq s, t, b", branch=True)
def beq(cpu: Processor, s: int, t: int, b: Value) -> None:
    """Branch if equal."""
    _branch_if(cpu, cpu.gpr[s] == cpu.gpr[t], b)


@instruction("000101 sssss ttttt bbbbbbbbbbbbbbbb", "bne s, t, b", branch=True)
def bne(cpu: Processor, s: int, t: int, b: Value) -> None:
    """Branch if not equal."""
    _branch_if(cpu, cpu.gpr[s] != cpu.gpr[t], b)


@instruction("000110 sssss ----- bbbbbbbbbbbbbbbb", "blez s, b", branch=True)
def blez(cpu: Processor, s: int, b: Value) -> None:
    """Branch if less than or equal to zero."""
    _branch_if(cpu, signed(cpu.gpr[s]) <= 0, b)


@instruction("000111 sssss ----- bbbbbbbbbbbbbbbb", "bgtz s, b", branch=True)
def bgtz(cpu: Processor, s: int, b: Value) -> None:
    """Branch if greater than zero."""
    _branch_if(cpu, signed(cpu.gpr[s]) > 0, b)


# The lsi core decodes every rt field here: its lowest bit tells bltz from bgez, and it links
# where the other four are 1000 (seen on hardware; the manual reserves these codes).


@instruction(
    "000001 sssss 00000 bbbbbbbbbbbbbbbb",
    "bltz s, b",
    branch=True,
    also={
        "lsi": (
            "000001 sssss 00010 bbbbbbbbbbbbbbbb",
            "000001 sssss 001-0 bbbbbbbbbbbbbbbb",
            "000001 sssss 01--0 bbbbbbbbbbbbbbbb",
            "000001 sssss 11--0 bbbbbbbbbbbbbbbb",
            "000001 sssss 101-0 bbbbbbbbbbbbbbbb",
            "000001 sssss 10010 bbbbbbbbbbbbbbbb",
        )
    },
)
def bltz(cpu: Processor, s: int, b: Value) -> None:
    """Branch if less than zero."""
    _branch_if(cpu, signed(cpu.gpr[s]) < 0, b)


@instruction(
    "000001 sssss 00001 bbbbbbbbbbbbbbbb",
    "bgez s, b",
    branch=True,
    also={
        "lsi": (
            "000001 sssss 00011 bbbbbbbbbbbbbbbb",
            "000001 sssss 001-1 bbbbbbbbbbbbbbbb",
            "000001 sssss 01--1 bbbbbbbbbbbbbbbb",
            "000001 sssss 11--1 bbbbbbbbbbbbbbbb",
            "000001 sssss 101-1 bbbbbbbbbbbbbbbb",
            "000001 sssss 10011 bbbbbbbbbbbbbbbb",
        )
    },
)
def bgez(cpu: Processor, s: int, b: Value) -> None:
    """Branch if greater than or equal to zero."""
    _branch_if(cpu, signed(cpu.gpr[s]) >= 0, b)


@instruction("000001 sssss 10000 bbbbbbbbbbbbbbbb", "bltzal s, b", branch=True)
def bltzal(cpu: Processor, s: int, b: Value) -> None:
    """Branch if less than zero; ra is set whether or not the branch is taken."""
    link = cpu.next_pc + 4
    _call_if(cpu, signed(_after_link(cpu, s, RETURN_ADDRESS, link)) < 0, b, link)


@instruction("000001 sssss 10001 bbbbbbbbbbbbbbbb", "bgezal s, b", branch=True)
def bgezal(cpu: Processor, s: int, b: Value) -> None:
    """Branch if greater than or equal to zero; ra is set whether or not the branch is taken."""
    link = cpu.next_pc + 4
    _call_if(cpu, signed(_after_link(cpu, s, RETURN_ADDRESS, link)) >= 0, b, link)
