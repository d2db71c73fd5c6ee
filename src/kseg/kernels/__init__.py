"""Kernel awareness: what the threads of a guest's kernel are doing, read from its memory.

Begin with `contract`: what is found, and what a kernel's file here has to do. `os161`, `cms` and
`racelab` are those files, `findings` follows the waits-for graph (deadlocks). A kernel is
recognised by its symbols (`aware`). Its memory may be corrupt, which is why a user looks: all that
is read is checked, every list has an end, and what makes no sense is left out.
"""

from kseg.inspection.machine import InspectedMachine
from kseg.kernels.calls import UNKNOWN_CALLS, Calls
from kseg.kernels.contract import GuestThreads, KernelAwareness
from kseg.symbols.executable import SymbolError
from kseg.symbols.symbol_file import SymbolFile
from kseg.symbols.symbol_table import Symbols

UNKNOWN_KERNEL = (
    "the threads of this kernel are not known: kseg knows those of OS/161 2 (with debug"
    " information, -g), of cms and of racelab"
)


def aware(machine: InspectedMachine, symbols: Symbols) -> KernelAwareness:
    """The awareness of the guest's kernel; SymbolError, with the reason, where there is none."""
    for file in symbols.files:
        found = _of_file(machine, symbols, file)
        if found is not None:
            return found
    raise SymbolError(UNKNOWN_KERNEL)


def guest_threads(machine: InspectedMachine, symbols: Symbols) -> GuestThreads:
    """The threads of the guest's kernel, and what is wrong with them; SymbolError where the kernel
    is not known. The guest notices nothing."""
    return aware(machine, symbols).threads()


def calls_of_kernel(symbols: Symbols) -> Calls:
    """The system calls of a kernel that `aware` does not know: OS/161's without debug information
    have their names all the same."""
    from kseg.kernels.os161_calls import CALLS

    names = ("mips_trap", "mips_usermode", "syscall", "thread_switch")
    known = any(all(map(file.named, names)) for file in symbols.files)
    return CALLS if known else UNKNOWN_CALLS


def _of_file(
    machine: InspectedMachine, symbols: Symbols, file: SymbolFile
) -> KernelAwareness | None:
    from kseg.kernels import cms, os161, racelab

    return (
        os161.recognise(machine, symbols, file)
        or cms.recognise(machine, symbols, file)
        or racelab.recognise(machine, symbols, file)
    )
