"""Makes what was written visible to instruction fetches, where the processor does not by itself.

On x86-64 it does. On AArch64 the data cache must be cleaned and the instruction cache invalidated
after code was written, before any core executes it; a core that has fetched from there before also
needs an ISB when it enters, which is part of the code that kseg generates for AArch64
(`kseg.engine.codegen.targets`). Source: Arm Architecture Reference Manual, B2.4.4.
"""

import ctypes
import functools
from collections.abc import Callable

from kseg.platform import host


def synchronise(address: int, length: int) -> None:
    """Call this after writing code to `length` bytes at a host address. OSError where the host has
    no way to do it."""
    if host.PROCESSOR != "x86_64":
        _clear_cache()(address, address + length)


@functools.cache
def _clear_cache() -> Callable[[int, int], None]:
    """The compiler's own function for it, which is in its runtime library on every Linux that
    LLVM runs on."""
    function = ctypes.CDLL("libgcc_s.so.1").__clear_cache
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    function.restype = None
    return function
