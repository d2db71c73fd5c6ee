"""Machine code as it is kept and mapped: neither LLVM nor a linker is needed any more.

The modules that kseg generates refer to nothing outside themselves, so that their object code is
one run of bytes which can be put anywhere. What is kept is that run and the names in it. `llvm`
makes objects, `linker` bytes of them.
"""

import msgspec

from kseg.platform.code import CodeMemory


class Blob(msgspec.Struct, frozen=True):
    """Position-independent machine code, and the offsets of its functions by name. Its place must
    be a multiple of 4096."""

    code: bytes
    symbols: dict[str, int]


class MappedCode:
    """A `Blob` mapped executable, read-only; `address` gives its functions."""

    def __init__(self, blob: Blob) -> None:
        self._memory = CodeMemory(len(blob.code))
        self._memory.write(0, blob.code)
        self.base = self._memory.address
        """The host address of its first byte."""
        self._symbols = blob.symbols

    def address(self, name: str) -> int:
        """The host address of a function."""
        return self.base + self._symbols[name]
