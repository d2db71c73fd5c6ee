"""System call, breakpoint, and the operations on CP0: moves, TLB, return from exception."""

from kseg.isa import cp0
from kseg.isa import registers as r
from kseg.isa.exceptions import ExceptionCode, pop_status
from kseg.isa.instruction import instruction
from kseg.isa.semantics import Processor


@instruction("000000 cccccccccccccccccccc 001100", "syscall c")
def syscall(cpu: Processor) -> None:
    """System call: trap, unconditionally. The code is for software."""
    cpu.trap(ExceptionCode.SYSTEM_CALL)


@instruction("000000 cccccccccc qqqqqqqqqq 001101", "break c, q")
def break_(cpu: Processor) -> None:
    """Breakpoint: trap, unconditionally. The two codes are for software."""
    cpu.stop_if_debugged()
    cpu.trap(ExceptionCode.BREAKPOINT)


@instruction("010000 00000 ttttt rrrrr -------- eee", "mfc0 t, r, e", constants="re")
def mfc0(cpu: Processor, t: int, r: int, e: int) -> None:
    """Move from a CP0 register. The select field matters on mips161 only."""
    cpu.require_cp0()
    register = cp0.find(cpu.profile, r, e)
    if register is None:
        cpu.trap(ExceptionCode.RESERVED_INSTRUCTION)
    else:
        cpu.load_gpr(t, register.read(cpu))


@instruction("010000 00100 ttttt rrrrr -------- eee", "mtc0 t, r, e", constants="re")
def mtc0(cpu: Processor, t: int, r: int, e: int) -> None:
    """Move to a CP0 register; what is read-only ignores it. Effective at the next instruction."""
    cpu.require_cp0()
    register = cp0.find(cpu.profile, r, e)
    if register is None:
        cpu.trap(ExceptionCode.RESERVED_INSTRUCTION)
    else:
        register.write(cpu, cpu.gpr[t])


@instruction("010000 1 0000000000000000000 000001", "tlbr", profiles="r3000 mips161")
def tlbr(cpu: Processor) -> None:
    """TLB read: EntryHi and EntryLo from the entry that Index names."""
    cpu.require_cp0()
    cpu.tlb_read()


@instruction("010000 1 0000000000000000000 000010", "tlbwi", profiles="r3000 mips161")
def tlbwi(cpu: Processor) -> None:
    """TLB write indexed: EntryHi and EntryLo into the entry that Index names."""
    cpu.require_cp0()
    cpu.tlb_write((cpu.index & r.INDEX_MASK) >> r.INDEX_SHIFT)


@instruction("010000 1 0000000000000000000 000110", "tlbwr", profiles="r3000 mips161")
def tlbwr(cpu: Processor) -> None:
    """TLB write random: EntryHi and EntryLo into the entry that Random names."""
    cpu.require_cp0()
    cpu.tlb_write(cpu.random())


@instruction("010000 1 0000000000000000000 001000", "tlbp", profiles="r3000 mips161")
def tlbp(cpu: Processor) -> None:
    """TLB probe: the number of the entry that matches EntryHi into Index, or its P bit set."""
    cpu.require_cp0()
    cpu.tlb_probe()


@instruction("010000 1 0000000000000000000 010000", "rfe")
def rfe(cpu: Processor) -> None:
    """Return from exception: the mode and interrupt-enable bits as they were before it."""
    cpu.require_cp0()
    cpu.status = pop_status(cpu.status)
    cpu.returned_from_exception()
