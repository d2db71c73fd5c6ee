"""Memory from the host: zeros, of which those that are never touched cost nothing."""

import ctypes
import mmap
from contextlib import suppress

from kseg.platform import host

PAGE_SIZE = mmap.PAGESIZE
"""Bytes of a page of the host's: 4096, 16384 or 65536. Guests have pages of their own."""

_NO_RESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000) if host.SYSTEM == "linux" else 0
_DISCARD = mmap.MADV_DONTNEED if host.SYSTEM == "linux" else None
"""Elsewhere it may leave what was there, or do nothing at all."""


def whole_pages(length: int) -> int:
    """`length` rounded up to the host's pages."""
    return -(-length // PAGE_SIZE) * PAGE_SIZE


class Memory:
    """`size` bytes of this process, zero at first; they go when nobody has the object any more."""

    def __init__(self, size: int, *, sparse: bool = False) -> None:
        """OSError when the host has not so much; of `sparse` memory it need not have all."""
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | (_NO_RESERVE if sparse else 0)
        self._map = mmap.mmap(-1, size, flags=flags)
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
