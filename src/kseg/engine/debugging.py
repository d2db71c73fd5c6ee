"""What all engines check of what a debugger wants."""

from collections.abc import Iterable

from kseg.engine.contract import Watchpoint
from kseg.isa.values import WORD


def checked_breakpoints(addresses: Iterable[int]) -> frozenset[int]:
    """The addresses; ValueError if one is not that of an instruction."""
    wanted = frozenset(addresses)
    for address in wanted:
        if not 0 <= address <= WORD or address & 3:
            raise ValueError(f"no instruction has the address {address:#x}")
    return wanted


def checked_watchpoints(watchpoints: Iterable[Watchpoint]) -> frozenset[Watchpoint]:
    """The watchpoints; ValueError if one is of no addresses."""
    wanted = frozenset(watchpoints)
    for each in wanted:
        if not 0 <= each.first <= each.last <= WORD:
            raise ValueError(f"{each.first:#x} to {each.last:#x} are no addresses")
    return wanted
