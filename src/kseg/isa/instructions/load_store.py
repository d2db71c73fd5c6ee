"""Loads and stores. What a load brings is written after the load delay (`load_gpr`)."""

from kseg.isa.instruction import instruction
from kseg.isa.semantics import Processor
from kseg.isa.values import WORD, Value, signed, word


def _address(cpu: Processor, s: int, i: Value) -> Value:
    return word(cpu.gpr[s] + signed(i, 16))


@instruction("100000 sssss ttttt iiiiiiiiiiiiiiii", "lb t, i(s)")
def lb(cpu: Processor, s: int, t: int, i: Value) -> None:
    """Load a byte, sign-extended."""
    cpu.load_gpr(t, signed(cpu.load(_address(cpu, s, i), 1), 8))


@instruction("100100 sssss ttttt iiiiiiiiiiiiiiii", "lbu t, i(s)")
def lbu(cpu: Processor, s: int, t: int, i: Value) -> None:
    """Load a byte, zero-extended."""
    cpu.load_gpr(t, cpu.load(_address(cpu, s, i), 1))


@instruction("100001 sssss ttttt iiiiiiiiiiiiiiii", "lh t, i(s)")
def lh(cpu: Processor, s: int, t: int, i: Value) -> None:
    """Load a halfword, sign-extended."""
    cpu.load_gpr(t, signed(cpu.load(_address(cpu, s, i), 2), 16))


@instruction("100101 sssss ttttt iiiiiiiiiiiiiiii", "lhu t, i(s)")
def lhu(cpu: Processor, s: int, t: int, i: Value) -> None:
    """Load a halfword, zero-extended."""
    cpu.load_gpr(t, cpu.load(_address(cpu, s, i), 2))


@instruction("100011 sssss ttttt iiiiiiiiiiiiiiii", "lw t, i(s)")
def lw(cpu: Processor, s: int, t: int, i: Value) -> None:
    """Load a word."""
    cpu.load_gpr(t, cpu.load(_address(cpu, s, i), 4))


@instruction("101000 sssss ttttt iiiiiiiiiiiiiiii", "sb t, i(s)")
def sb(cpu: Processor, s: int, t: int, i: Value) -> None:
    """Store a byte."""
    cpu.store(_address(cpu, s, i), 1, cpu.gpr[t])


@instruction("101001 sssss ttttt iiiiiiiiiiiiiiii", "sh t, i(s)")
def sh(cpu: Processor, s: int, t: int, i: Value) -> None:
    """Store a halfword."""
    cpu.store(_address(cpu, s, i), 2, cpu.gpr[t])


@instruction("101011 sssss ttttt iiiiiiiiiiiiiiii", "sw t, i(s)")
def sw(cpu: Processor, s: int, t: int, i: Value) -> None:
    """Store a word."""
    cpu.store(_address(cpu, s, i), 4, cpu.gpr[t])


# LWL and SWL concern the bytes from the addressed one to the more significant end of its word,
# LWR and SWR those to the less significant end. `_above` and `_below` are the numbers of bits
# beyond the addressed byte on either side, which is where the byte order comes in.


def _bits_above(cpu: Processor, address: Value) -> Value:
    """Bits of the word more significant than the addressed byte."""
    return 24 - _bits_below(cpu, address)


def _bits_below(cpu: Processor, address: Value) -> Value:
    """Bits of the word less significant than the addressed byte."""
    offset = (address & 3) << 3
    return 24 - offset if cpu.big_endian else offset


@instruction("100010 sssss ttttt iiiiiiiiiiiiiiii", "lwl t, i(s)")
def lwl(cpu: Processor, s: int, t: int, i: Value) -> None:
    """Load word left: fill t from its most significant byte down.

    The addressed byte and those less significant in its word become the top of t; the rest of t
    stays, with a load that is still on its way to t counted in.
    """
    address = _address(cpu, s, i)
    shift = _bits_above(cpu, address)
    loaded = cpu.load_around(address)
    cpu.load_gpr(t, (loaded << shift) | (cpu.latest_gpr(t) & ~(WORD << shift)))


@instruction("100110 sssss ttttt iiiiiiiiiiiiiiii", "lwr t, i(s)")
def lwr(cpu: Processor, s: int, t: int, i: Value) -> None:
    """Load word right: fill t from its least significant byte up.

    The addressed byte and those more significant in its word become the bottom of t; the rest
    of t stays, with a load that is still on its way to t counted in.
    """
    address = _address(cpu, s, i)
    shift = _bits_below(cpu, address)
    loaded = cpu.load_around(address)
    cpu.load_gpr(t, (loaded >> shift) | (cpu.latest_gpr(t) & ~(WORD >> shift)))


@instruction("101010 sssss ttttt iiiiiiiiiiiiiiii", "swl t, i(s)")
def swl(cpu: Processor, s: int, t: int, i: Value) -> None:
    """Store word left: the top of t goes to the addressed byte and those less significant."""
    address = _address(cpu, s, i)
    shift = _bits_above(cpu, address)
    cpu.store_masked(address, cpu.gpr[t] >> shift, WORD >> shift)


@instruction("101110 sssss ttttt iiiiiiiiiiiiiiii", "swr t, i(s)")
def swr(cpu: Processor, s: int, t: int, i: Value) -> None:
    """Store word right: the bottom of t goes to the addressed byte and those more significant."""
    address = _address(cpu, s, i)
    shift = _bits_below(cpu, address)
    cpu.store_masked(address, cpu.gpr[t] << shift, word(WORD << shift))
