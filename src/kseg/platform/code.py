"""Memory for machine code: at no time both writable and executable."""

import ctypes
import mmap

from kseg.platform import instruction_cache
from kseg.platform.memory import PAGE_SIZE, Memory, whole_pages


class NativeCodeError(RuntimeError):
    """Native code cannot be made or executed here; the text says why."""


class CodeMemory:
    """Whole pages of the host's; what is never written costs nothing."""

    def __init__(self, size: int) -> None:
        """At least `size` bytes. NativeCodeError if this system has not so much address space, or
        lets no memory be made executable."""
        self.size = whole_pages(size)
        try:
            self._memory = Memory(self.size, sparse=True)
        except OSError as error:
            reason = error.strerror or str(error)
            raise NativeCodeError(f"no memory for {self.size} bytes of code ({reason})") from None
        self.address = self._memory.address
        """The host address of the first byte: a multiple of `PAGE_SIZE`."""
        self._libc = ctypes.CDLL(None, use_errno=True)
        # Find out before there is a guest: what was written can be executed, and then written to.
        self.write(0, b"")

    def write(self, offset: int, code: bytes) -> None:
        """Put code at `offset`, which begins a page of the host's; it can be executed on return.
        No thread may execute anything in the pages that it takes meanwhile. NativeCodeError, and
        nothing done, where the system has changed its mind."""
        length = max(whole_pages(len(code)), PAGE_SIZE)
        self._protect(offset, length, mmap.PROT_READ | mmap.PROT_WRITE)
        self._memory.view[offset : offset + len(code)] = code
        self._protect(offset, length, mmap.PROT_READ | mmap.PROT_EXEC)
        try:
            instruction_cache.synchronise(self.address + offset, len(code))
        except OSError as error:
            raise NativeCodeError(f"instruction caches cannot be synchronised ({error})") from None

    def _protect(self, offset: int, length: int, protection: int) -> None:
        address = ctypes.c_void_p(self.address + offset)
        if self._libc.mprotect(address, ctypes.c_size_t(length), protection):
            code = ctypes.get_errno()
            raise NativeCodeError(f"this system lets no memory be made executable (errno {code})")
