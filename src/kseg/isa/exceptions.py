"""Exceptions: their codes, and what the processor does when it takes one or returns.

MIPS RISC Architecture, chapter 6. `enter` and `return_from_exception` are written in the values
of `kseg.isa.values`, like instructions, and serve every engine.
"""

from enum import IntEnum
from typing import Any

from kseg.isa import registers as r
from kseg.isa.values import Value, select


class ExceptionCode(IntEnum):
    """ExcCode in the Cause register."""

    INTERRUPT = 0
    TLB_MODIFIED = 1
    TLB_LOAD = 2
    TLB_STORE = 3
    ADDRESS_ERROR_LOAD = 4
    ADDRESS_ERROR_STORE = 5
    INSTRUCTION_BUS_ERROR = 6
    DATA_BUS_ERROR = 7
    SYSTEM_CALL = 8
    BREAKPOINT = 9
    RESERVED_INSTRUCTION = 10
    COPROCESSOR_UNUSABLE = 11
    OVERFLOW = 12


class Fatal(IntEnum):
    """What a guest can do that the machine has no answer to (System/161 calls these hangs)."""

    NONE = 0
    DUPLICATE_TLB = 1
    """A TLB write that could make two entries match one address; the value is the EntryHi."""
    STATUS_BITS = 2
    """Status bits that the processor has not, such as cache isolation on mips161; the value is
    the word written."""


MNEMONICS = "Int Mod TLBL TLBS AdEL AdES IBE DBE Sys Bp RI CpU Ov".split()
"""The manual's short names, by ExcCode."""

DESCRIPTIONS = (
    "interrupt",
    "TLB modify",
    "TLB miss - load",
    "TLB miss - store",
    "Address error - load",
    "Address error - store",
    "Bus error - code",
    "Bus error - data",
    "System call",
    "Breakpoint",
    "Illegal instruction",
    "Coprocessor unusable",
    "Arithmetic overflow",
)
"""In words, by ExcCode."""

REFILL_VECTOR = 0x80000000
GENERAL_VECTOR = 0x80000080
BOOT_VECTOR_OFFSET = 0x3FC00100
"""What BEV adds: 0x80000000 becomes 0xbfc00100, 0x80000080 becomes 0xbfc00180."""
RESET_VECTOR = 0xBFC00000
BOOT_ROM = range(RESET_VECTOR, RESET_VECTOR + 0x1000)
"""The page of these vectors: exceptions come here until a kernel clears BEV. Boards boot kernels by
themselves, and have no handler here."""

RFE_WORD = 0x42000010
"""The instruction RFE. A jump with it in its delay slot has its target looked at in the mode
returned to, where fetch faults are early."""


def push_status(status: Value) -> Value:
    """Status on entry to an exception: kernel mode, interrupts off, the old pairs one deeper."""
    return (status & ~r.STATUS_STACK) | ((status << 2) & r.STATUS_STACK)


def pop_status(status: Value) -> Value:
    """Status after RFE: the pairs one shallower; the oldest pair stays as it is."""
    return (status & ~0xF) | ((status >> 2) & 0xF)


def vector(status: Value, refill: Value) -> Value:
    """Where an exception is handled: `refill` says whether it is a kuseg TLB miss."""
    base = select(refill, REFILL_VECTOR, GENERAL_VECTOR)
    return base + select((status & r.STATUS_BEV) != 0, BOOT_VECTOR_OFFSET, 0)


def loses_place(status: Value, pc: Value) -> Value:
    """Whether an exception at `pc` leads out of a program into the boot ROM: where there is no
    handler, the next exception overwrites what is known of it."""
    in_rom = (pc & 0xDFFFF000) == 0x9FC00000
    return ((status & r.STATUS_BEV) != 0) & (in_rom ^ True)


def enter(
    cpu: Any,
    code: Value,
    *,
    pc: Value,
    in_delay_slot: Value,
    branch_target: Value,
    address: Value,
    coprocessor: Value,
    opcode: Value,
) -> None:
    """Take exception `code` at the instruction at `pc`; the caller then jumps to `vector`.

    `branch_target` is where control would have gone after a delay slot.
    `address` is the faulting virtual address (used only where the code is an address or TLB
    exception); `coprocessor` is the unit number for COPROCESSOR_UNUSABLE; `opcode` is the
    instruction's word, 0 where it could not be fetched.
    """
    profile = cpu.profile
    is_tlb = (code >= ExceptionCode.TLB_MODIFIED) & (code <= ExceptionCode.TLB_STORE)
    has_address = (code >= ExceptionCode.TLB_MODIFIED) & (code <= ExceptionCode.ADDRESS_ERROR_STORE)
    bad_page = select(has_address, address, 0) & 0x7FFFF000

    cpu.epc = select(in_delay_slot, pc - 4, pc)
    cause = cpu.cause & r.CAUSE_SOFTWARE_INTERRUPTS
    cause = cause | (code << r.CAUSE_CODE_SHIFT)
    cause = cause | select(in_delay_slot, r.CAUSE_BD, 0)
    if profile.mirrors_opcode_in_cause:
        taken = in_delay_slot & (branch_target != pc + 4)
        cause = cause | ((opcode >> 26) & 3) << r.CAUSE_CE_SHIFT
        cause = cause | select(taken, r.CAUSE_BRANCH_TAKEN, 0)
        cpu.target_address = select(taken, branch_target, cpu.target_address)
    else:
        cause = cause | coprocessor << r.CAUSE_CE_SHIFT
    cpu.cause = cause
    if profile.clobbers_on_exception:
        cpu.bad_vaddr = select(has_address, address, 0)
        cpu.context = (cpu.context & ~0x1FFFFF) | (bad_page >> 10)
    else:
        cpu.bad_vaddr = select(has_address, address, cpu.bad_vaddr)
        if profile.has_tlb:
            cpu.context = select(is_tlb, (cpu.context & ~0x1FFFFF) | (bad_page >> 10), cpu.context)
    if profile.has_tlb:
        cpu.entry_hi = select(
            is_tlb, (cpu.entry_hi & r.ASID_MASK) | (address & r.VPN_MASK), cpu.entry_hi
        )
    cpu.status = push_status(cpu.status)
