"""The code cache in memory: executable pages for translations, a fixed amount, used as a ring.

A translation gets whole host pages. They can be written only while it is put there, and executed
only afterwards. When the arena is full, the oldest translations make room: the memory is a ring.
"""

from collections import OrderedDict

from kseg.platform.code import CodeMemory
from kseg.platform.memory import whole_pages


class Arena:
    """`size` bytes of address space for native code; what is never used costs nothing."""

    def __init__(self, size: int) -> None:
        """NativeCodeError if this system has not so much address space, or lets no memory be made
        executable."""
        self._memory = CodeMemory(size)
        self.size = self._memory.size
        self._next = 0
        self._spans: OrderedDict[int, tuple[int, int]] = OrderedDict()
        """By owner, oldest first: (offset, length)."""

    @property
    def used(self) -> int:
        """Bytes that translations have."""
        return sum(length for _, length in self._spans.values())

    def make_room(self, length: int) -> list[int]:
        """Find a place for `length` bytes; returns the owners that must go from it, which no
        longer have one. ValueError if it can never fit."""
        length = whole_pages(length)
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
        length = whole_pages(len(code))
        offset, self._next = self._next, self._next + length
        self._memory.write(offset, code)
        self._spans[owner] = offset, length
        return self._memory.address + offset

    def free(self, owner: int) -> None:
        """The owner has nothing here any more."""
        self._spans.pop(owner, None)
