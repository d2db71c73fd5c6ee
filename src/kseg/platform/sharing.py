"""Memory that many share and none changes: a file without a name, mapped copy-on-write.

Without this (in a browser) machines are copied instead.
"""

import ctypes
import functools
import mmap
import os
import weakref
from contextlib import suppress

from kseg.platform.memory import PAGE_SIZE, Memory

_MAP_FIXED = 0x10
_PRESENT_OR_SWAPPED, _OF_A_FILE = 0xC0, 0x20
"""In the highest byte of an entry of /proc/self/pagemap: proc_pid_pagemap(5)."""
_PRIVATE = bytes(
    int(bool(byte & _PRESENT_OR_SWAPPED) and not byte & _OF_A_FILE) for byte in range(256)
)


class SharedFile:
    """`size` bytes, zero until they are written; gone with the last mapping."""

    def __init__(self, size: int) -> None:
        """OSError when the host has no memory left."""
        self.size = size
        self._file = _anonymous_file()
        weakref.finalize(self, os.close, self._file)
        os.ftruncate(self._file, size)

    def write(self, offset: int, data: memoryview) -> None:
        """Put all of `data` at `offset`; OSError."""
        while data:
            done = os.pwrite(self._file, data, offset)
            offset, data = offset + done, data[done:]

    def map_over(self, memory: Memory) -> None:
        """Let `memory` show the file instead of what it holds, as if it had been copied there: what
        is written to it becomes its own. OSError."""
        flags = mmap.MAP_PRIVATE | _MAP_FIXED
        protection = mmap.PROT_READ | mmap.PROT_WRITE
        if _mmap()(memory.address, self.size, protection, flags, self._file, 0) != memory.address:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))


def _anonymous_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("kseg-ram")
    import tempfile

    file, name = tempfile.mkstemp(prefix="kseg-ram-")
    os.unlink(name)  # noqa: PTH108 - no path for what has none any more
    return file


@functools.cache
def _mmap() -> "ctypes._NamedFuncPointer":
    function = ctypes.CDLL(None, use_errno=True).mmap
    function.restype = ctypes.c_size_t
    function.argtypes = [
        ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long,
    ]  # fmt: skip
    return function


def private_pages(address: int, size: int, page_size: int) -> bytes:
    """A byte for each `page_size` bytes of a private mapping: 1 where they have a page of their
    own, 0 where nothing was ever written. Where the host does not say, or has pages of another
    size, all are 1."""
    count = -(-size // page_size)
    if page_size == PAGE_SIZE:
        with suppress(OSError):
            file = os.open("/proc/self/pagemap", os.O_RDONLY)
            try:
                entries = os.pread(file, 8 * count, address // page_size * 8)
            finally:
                os.close(file)
            if len(entries) == 8 * count:
                return entries[7::8].translate(_PRIVATE)
    return b"\x01" * count
