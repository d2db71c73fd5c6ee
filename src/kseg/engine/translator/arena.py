"""Executable memory for translations: a fixed amount, used in turn.

A translation gets whole host pages. They can be written only while it is put there, and executed
only afterwards. When the arena is full, the oldest translations make room: the memory is a ring.
"""

import ctypes
import mmap
from collections import OrderedDict
from typing import Any

from kseg.engine.codegen.native import NativeCodeError


class Arena:
    """`size` bytes of address space for native code; what is never used costs nothing."""

    def __init__(self, size: int) -> None:
        """NativeCodeError if this system has not so much address space, or lets no memory be made
        executable."""
        self.size = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        try:
            self._map = mmap.mmap(-1, self.size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        except OSError as error:
            reason = error.strerror or str(error)
            raise NativeCodeError(f"no memory for {self.size} bytes of code ({reason})") from None
        self._base = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        self._libc: Any = ctypes.CDLL(None, use_errno=True)
        self._next = 0
        self._spans: OrderedDict[int, tuple[int, int]] = OrderedDict()
        """By owner, oldest first: (offset, length)."""
        # Find out before there is a guest: what was written can be executed, and then written to.
        for protection in (mmap.PROT_EXEC, mmap.PROT_WRITE):
            self._protect(0, mmap.PAGESIZE, mmap.PROT_READ | protection)

    @property
    def used(self) -> int:
        """Bytes that translations have."""
        return sum(length for _, length in self._spans.values())

    def make_room(self, length: int) -> list[int]:
        """Find a place for `length` bytes; returns the owners that must go from it, which no
        longer have one. ValueError if it can never fit."""
        length = self._whole_pages(length)
        if length > self.size:
            raise ValueError(f"{length} bytes do not fit an arena of {self.size}")
        if self._next + length > self.size:
            self._next = 0
        evicted = [
            owner
            for owner, (offset, taken) in self._spans.items()
            if offset < self._next + length and self._next < offset + taken
        ]
        for owner in evicted:
            del self._spans[owner]
        return evicted

    def put(self, owner: int, code: bytes) -> int:
        """Store code at the place found last; returns its address, executable from now on.
        NativeCodeError, and nothing done, where the system has changed its mind."""
        length = self._whole_pages(len(code))
        offset, self._next = self._next, self._next + length
        self._protect(offset, length, mmap.PROT_READ | mmap.PROT_WRITE)
        self._map[offset : offset + len(code)] = code
        self._protect(offset, length, mmap.PROT_READ | mmap.PROT_EXEC)
        self._spans[owner] = offset, length
        return self._base + offset

    def free(self, owner: int) -> None:
        """The owner has nothing here any more."""
        self._spans.pop(owner, None)

    @staticmethod
    def _whole_pages(length: int) -> int:
        return -(-length // mmap.PAGESIZE) * mmap.PAGESIZE

    def _protect(self, offset: int, length: int, protection: int) -> None:
        address = ctypes.c_void_p(self._base + offset)
        if self._libc.mprotect(address, ctypes.c_size_t(length), protection):
            code = ctypes.get_errno()
            raise NativeCodeError(f"this system lets no memory be made executable (errno {code})")
