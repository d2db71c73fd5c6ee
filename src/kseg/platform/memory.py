"""Memory from the host: zeros, of which those that are never touched cost nothing.

A machine consists of objects that know each other, so that Python's collector of garbage has to
find out that nobody uses it any more. That counts objects, not the megabytes behind them: a program
that makes one machine after the other would have hundreds of dead ones before it looks. So bytes
are counted here, and where they have become many it is asked to look.
"""

import ctypes
import gc
import mmap
import weakref
from contextlib import suppress

from kseg.platform import host

PAGE_SIZE = mmap.PAGESIZE
"""Bytes of a page of the host's: 4096, 16384 or 65536. Guests have pages of their own."""

_NO_RESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000) if host.SYSTEM == "linux" else 0
_DISCARD = mmap.MADV_DONTNEED if host.SYSTEM == "linux" else None
"""Elsewhere it may leave what was there, or do nothing at all."""


FEW = 64 << 20
"""Bytes up to which nobody looks for garbage."""
LITTLE = 1 << 20
"""Bytes for which nobody does."""


class _Taken:
    """The bytes of all memory that is not sparse."""

    def __init__(self) -> None:
        self.bytes = 0
        self.limit = FEW

    def add(self, memory: "Memory", size: int) -> None:
        self.bytes += size
        weakref.finalize(memory, self._give_back, size).atexit = False

    def _give_back(self, size: int) -> None:
        self.bytes -= size

    def look(self, wanted: int) -> None:
        """Collect garbage where there may be much of it: the young first, which is quick."""
        for generation in (1, 2):
            if wanted < LITTLE or not self.bytes or self.bytes + wanted <= self.limit:
                return
            gc.collect(generation)
        # What is in use stays: as much again may come before the next look.
        self.limit = max(FEW, 2 * self.bytes)


TAKEN = _Taken()


def whole_pages(length: int) -> int:
    """`length` rounded up to the host's pages."""
    return -(-length // PAGE_SIZE) * PAGE_SIZE


class Memory:
    """`size` bytes of this process, zero at first; they go when nobody has the object any more."""

    def __init__(self, size: int, *, sparse: bool = False) -> None:
        """OSError when the host has not so much; of `sparse` memory it need not have all."""
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | (_NO_RESERVE if sparse else 0)
        if not sparse:
            TAKEN.look(size)
        try:
            self._map = mmap.mmap(-1, size, flags=flags)
        except OSError:
            gc.collect()  # there may be some in the garbage
            self._map = mmap.mmap(-1, size, flags=flags)
        if not sparse:
            TAKEN.add(self, size)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        """The host address of the first byte."""
        self.view = memoryview(self._map)

    def discard(self, offset: int, length: int) -> None:
        """`length` bytes from `offset` are zero from now on; whole pages of the host among them
        cost nothing any more, where the host can do that. Not for what something else was mapped
        over."""
        if _DISCARD is not None and not (offset | length) % PAGE_SIZE:
            with suppress(OSError):
                self._map.madvise(_DISCARD, offset, length)
                return
        self.view[offset : offset + length] = bytes(length)
