"""Layers: RAM as it was at one moment, shared by all machines that went on from there.

A layer is a file in memory that never changes. A machine maps it privately: what it has not
written since lies in the layer, once for all; what it writes becomes a page of its own, by the
host's copy-on-write.
"""

from kseg.memory.pages import PAGE_SIZE, ZERO_PAGE, runs
from kseg.platform.memory import Memory
from kseg.platform.sharing import SharedFile


class Layer:
    """The bytes of a machine's RAM, frozen."""

    def __init__(self, data: memoryview, used: bytes) -> None:
        """Keep `data`, of which only the pages marked in `used` may be other than zero; OSError
        when the host has no memory left."""
        self.size = len(data)
        self._file = SharedFile(self.size)
        marks = bytearray(used)
        for first, end in runs(used):
            for page in range(first, end):
                if data[page * PAGE_SIZE :][:PAGE_SIZE].tobytes() == ZERO_PAGE:
                    marks[page] = 0
        self.used = bytes(marks)
        """A byte for each page: 0 if it is all zero."""
        for first, end in runs(self.used):
            self._file.write(first * PAGE_SIZE, data[first * PAGE_SIZE : end * PAGE_SIZE])

    def map_over(self, memory: Memory) -> None:
        """Let memory show the layer, copying what is written; OSError."""
        self._file.map_over(memory)
