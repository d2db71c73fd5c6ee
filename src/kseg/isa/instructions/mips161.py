"""What System/161's processor has beyond MIPS I: LL, SC, SYNC, CACHE and WAIT.

Source: System/161's processor manual, and its behaviour where the two differ.
"""

from kseg.isa.instruction import instruction
from kseg.isa.semantics import Processor
from kseg.isa.values import Value, negation, signed, word


@instruction("110000 sssss ttttt iiiiiiiiiiiiiiii", "ll t, i(s)", profiles="mips161")
def ll(cpu: Processor, s: int, t: int, i: Value) -> None:
    """Load linked: load a word and remember its address and value for SC."""
    address = word(cpu.gpr[s] + signed(i, 16))
    loaded = cpu.load(address, 4)
    cpu.ll_pending = 1
    cpu.ll_address = address
    cpu.ll_value = loaded
    cpu.tally("ll_count")
    cpu.load_gpr(t, loaded)


@instruction("111000 sssss ttttt iiiiiiiiiiiiiiii", "sc t, i(s)", profiles="mips161")
def sc(cpu: Processor, s: int, t: int, i: Value) -> None:
    """Store conditional: store t if memory still is as LL saw it; t says whether it was done.

    It fails without touching memory unless an LL to the same virtual address is pending; then it
    is a compare-and-swap. Exceptions cancel the LL, another SC does not.
    """
    address = word(cpu.gpr[s] + signed(i, 16))
    linked = (cpu.ll_pending != 0) & (cpu.ll_address == address)
    stored = cpu.store_if(linked, address, cpu.ll_value, cpu.gpr[t])
    cpu.tally("sc_success", stored)
    cpu.tally("sc_failure", negation(stored))
    cpu.gpr[t] = stored


@instruction("000000 ----- ----- ----- ccccc 001111", "sync c", profiles="mips161")
def sync(cpu: Processor) -> None:
    """Wait until memory has seen every earlier access: always so here."""
    cpu.tally("sync_count")


@instruction("101111 sssss ttttt iiiiiiiiiiiiiiii", "cache #t, i(s)", profiles="mips161")
def cache(cpu: Processor, s: int, t: Value, i: Value) -> None:
    """Cache operation: there are no caches, but operations on an address translate it."""
    cpu.require_cp0()
    by_address = (t & 0x1C) >= 0x10
    cpu.check_address(by_address, word(cpu.gpr[s] + signed(i, 16)))


@instruction("010000 1 0000000000000000000 100000", "wait", profiles="mips161")
def wait(cpu: Processor) -> None:
    """Idle until a bus or inter-processor interrupt line is raised, masked or not."""
    cpu.require_cp0()
    cpu.wait()
