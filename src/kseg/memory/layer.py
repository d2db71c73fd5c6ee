"""Layers: RAM as it was at one moment, shared by all machines that went on from there.

A layer is a file in memory that never changes. A machine maps it privately: what it has not
written since lies in the layer, once for all; what it writes becomes a page of its own, by the
host's copy-on-write.
"""

import ctypes
import functools
import mmap
import os
import weakref
from contextlib import suppress

from kseg.memory.contents import ZERO_PAGE, runs
from kseg.memory.physical import PAGE_SIZE

_MAP_FIXED = 0x10
_PRESENT_OR_SWAPPED, _OF_A_FILE = 0xC0, 0x20
"""In the highest byte of an entry of /proc/self/pagemap: proc_pid_pagemap(5)."""
_PRIVATE = bytes(
    int(bool(byte & _PRESENT_OR_SWAPPED) and not byte & _OF_A_FILE) for byte in range(256)
)


class Layer:
    """The bytes of a machine's RAM, frozen."""

    def __init__(self, data: memoryview, used: bytes) -> None:
        """Keep `data`, of which only the pages marked in `used` may be other than zero."""
        self.size = len(data)
        self.file = os.memfd_create("kseg-ram", os.MFD_CLOEXEC)
        weakref.finalize(self, os.close, self.file)
        os.ftruncate(self.file, self.size)
        marks = bytearray(used)
        for first, end in runs(used):
            for page in range(first, end):
                if data[page * PAGE_SIZE :][:PAGE_SIZE].tobytes() == ZERO_PAGE:
                    marks[page] = 0
        self.used = bytes(marks)
        """A byte for each page: 0 if it is all zero."""
        for first, end in runs(self.used):
            place, limit = first * PAGE_SIZE, end * PAGE_SIZE
            while place < limit:
                place += os.pwrite(self.file, data[place:limit], place)

    def map_at(self, address: int) -> None:
        """Let the mapping at a host address show the layer, copying what is written; OSError."""
        flags = mmap.MAP_PRIVATE | _MAP_FIXED
        protection = mmap.PROT_READ | mmap.PROT_WRITE
        if _mmap()(address, self.size, protection, flags, self.file, 0) != address:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))


@functools.cache
def _mmap() -> "ctypes._NamedFuncPointer":
    function = ctypes.CDLL(None, use_errno=True).mmap
    function.restype = ctypes.c_size_t
    function.argtypes = [
        ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long,
    ]  # fmt: skip
    return function


def private_pages(address: int, size: int) -> bytes:
    """A byte for each page of a private mapping: 1 where it has a page of its own, 0 where it
    was never written. Where the host does not say, all are 1."""
    count = -(-size // PAGE_SIZE)
    with suppress(OSError):
        file = os.open("/proc/self/pagemap", os.O_RDONLY | os.O_CLOEXEC)
        try:
            entries = os.pread(file, 8 * count, address // PAGE_SIZE * 8)
        finally:
            os.close(file)
        if len(entries) == 8 * count and mmap.PAGESIZE == PAGE_SIZE:
            return entries[7::8].translate(_PRIVATE)
    return b"\x01" * count
