"""From virtual to physical addresses: segments and the TLB.

MIPS RISC Architecture, chapter 6 ("Memory management"). All entries are compared; the lowest
number wins where several match.
"""

from enum import Enum
from typing import TYPE_CHECKING

from kseg.engine.reference.aborts import Trap
from kseg.isa import registers as r
from kseg.isa.exceptions import ExceptionCode

if TYPE_CHECKING:
    from kseg.engine.reference.processor import ReferenceProcessor


class Access(Enum):
    """Why an address is translated."""

    FETCH = "fetch"
    LOAD = "load"
    STORE = "store"

    @property
    def address_error(self) -> ExceptionCode:
        """The exception for an address that is misaligned or out of reach."""
        if self is Access.STORE:
            return ExceptionCode.ADDRESS_ERROR_STORE
        return ExceptionCode.ADDRESS_ERROR_LOAD

    @property
    def tlb_miss(self) -> ExceptionCode:
        """The exception for an address that the TLB does not map."""
        return ExceptionCode.TLB_STORE if self is Access.STORE else ExceptionCode.TLB_LOAD


class TlbMiss(Trap):
    """No TLB entry matches; in kuseg this goes through the refill vector."""


def find_entry(cpu: "ReferenceProcessor", entry_hi: int) -> int | None:
    """The number of the entry that matches the page and ASID of `entry_hi`."""
    for number, (high, low) in enumerate(zip(cpu.tlb_entry_hi, cpu.tlb_entry_lo, strict=True)):
        same_page = (high ^ entry_hi) & r.VPN_MASK == 0
        same_space = (high ^ entry_hi) & r.ASID_MASK == 0 or low & r.ENTRY_LO_G
        if same_page and same_space:
            return number
    return None


def could_match_together(cpu: "ReferenceProcessor", number: int) -> bool:
    """Could entry `number` and another one match the same address?"""
    high, low = cpu.tlb_entry_hi[number], cpu.tlb_entry_lo[number]
    for other in range(len(cpu.tlb_entry_hi)):
        difference = cpu.tlb_entry_hi[other] ^ high
        shared = difference & r.ASID_MASK == 0 or (cpu.tlb_entry_lo[other] | low) & r.ENTRY_LO_G
        if other != number and difference & r.VPN_MASK == 0 and shared:
            return True
    return False


def translate(cpu: "ReferenceProcessor", address: int, access: Access, reported: int) -> int:
    """The physical address; raises Trap, reporting `reported` as the faulting address."""
    if address >= r.KSEG0 and cpu.status & r.STATUS_KUC:
        raise Trap(access.address_error, reported)
    if r.KSEG0 <= address < r.KSEG2:
        return address & r.UNMAPPED_MASK
    if not cpu.profile.has_tlb:
        return address
    if cpu.window is not None and not cpu.status & r.STATUS_KUC:
        inside = address - cpu.window
        if 0 <= inside <= r.UNMAPPED_MASK:
            return inside
    number = find_entry(cpu, (address & r.VPN_MASK) | (cpu.entry_hi & r.ASID_MASK))
    if number is None:
        raise TlbMiss(access.tlb_miss, reported)
    low = cpu.tlb_entry_lo[number]
    if not low & r.ENTRY_LO_V:
        raise Trap(access.tlb_miss, reported)
    if access is Access.STORE and not low & r.ENTRY_LO_D:
        raise Trap(ExceptionCode.TLB_MODIFIED, reported)
    return (low & r.VPN_MASK) | (address & ~r.VPN_MASK)
