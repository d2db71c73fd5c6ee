"""An executable's sections and symbols, for debugging: ELF, read with pyelftools.

The library trusts what a file says of itself. So it reads through a stream that counts: however a
file loops or lies, reading it ends, after a bounded time, in a SymbolError.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from kseg.errors import KsegError
from kseg.machine.host_file import read_at_most

MOST_BYTES = 64 << 20
"""A file that is larger is no program for an R3000."""
MOST_SECTION = 32 << 20
"""Bytes of a section, when it is decompressed too."""
MOST_SYMBOLS = 300_000
MOST_READS = 1_000_000
MOST_READ_BYTES = 4 * MOST_BYTES

ALLOCATED, EXECUTABLE, COMPRESSED = 2, 4, 0x800
UNDEFINED, FIRST_RESERVED = 0, 0xFF00
NO_TYPE, OBJECT, FUNCTION = 0, 1, 2


class SymbolError(KsegError):
    """A file of symbols cannot be read, or does not have what was asked for."""


class CountingStream(io.BytesIO):
    """Bytes that can be read so often, and no more."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._reads, self._bytes = MOST_READS, MOST_READ_BYTES

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        self._reads -= 1
        self._bytes -= len(found)
        if self._reads < 0 or self._bytes < 0:
            raise SymbolError("its tables lead to more reading than any program's")
        return found


class Section(NamedTuple):
    """A section's header: `address` and `size` in bytes."""

    name: str
    address: int
    size: int
    flags: int


class RawSymbol(NamedTuple):
    """An entry of the symbol table; `kind` is NO_TYPE, OBJECT or FUNCTION."""

    name: str
    address: int
    size: int
    kind: int
    is_global: bool
    section: int


class Executable:
    """An ELF file for a 32-bit MIPS, taken apart as far as debugging needs it."""

    def __init__(self, data: bytes) -> None:
        """SymbolError where `data` is no such file, or too damaged to find its sections."""
        from elftools.elf.elffile import ELFFile

        if data[:4] != b"\x7fELF":
            raise SymbolError("not an ELF file; give the kernel or program that the linker made")
        try:
            file = ELFFile(CountingStream(data))
            if file["e_machine"] != "EM_MIPS" or file.elfclass != 32:
                raise SymbolError("not for a 32-bit MIPS")
            self.byte_order: Literal["big", "little"] = "little" if file.little_endian else "big"
            self.entry = int(file["e_entry"])
            self.sections: list[Section] = []
            self._raw: list[Any] = []
            for section in file.iter_sections():
                header = section.header
                self._raw.append(header)
                self.sections.append(
                    Section(section.name, header["sh_addr"], header["sh_size"], header["sh_flags"])
                )
            self._segments = [
                (int(each["p_vaddr"]), int(each["p_offset"]), int(each["p_filesz"]))
                for each in file.iter_segments()
                if each["p_type"] == "PT_LOAD" and each["p_flags"] & 1
            ]
        except SymbolError:
            raise
        except Exception as error:  # whatever a library meets in a file that lies
            raise SymbolError(f"a damaged ELF file: {_words(error)}") from None
        self._data = data

    @property
    def _prefix(self) -> str:
        return ">" if self.byte_order == "big" else "<"

    def number_of(self, name: str) -> int | None:
        """Which section is called so, the first one; None if none is."""
        for number, section in enumerate(self.sections):
            if section.name == name:
                return number
        return None

    def contents(self, name: str) -> bytes:
        """A section's bytes, as many as there are; none where there is no such section. SymbolError
        when it is too large."""
        number = self.number_of(name)
        return b"" if number is None else self._contents(number)

    def _contents(self, number: int) -> bytes:
        header = self._raw[number]
        if header["sh_type"] == "SHT_NOBITS":
            return b""
        begin, size = header["sh_offset"], header["sh_size"]
        if size > MOST_SECTION:
            raise SymbolError(f"section {self.sections[number].name[:40]!r} is too large")
        data = self._data[begin : begin + size]
        if header["sh_flags"] & COMPRESSED and data[:4] in (b"\0\0\0\1", b"\1\0\0\0"):
            try:
                data = zlib.decompressobj().decompress(data[12:], MOST_SECTION)
            except zlib.error:
                return b""
        return data

    def symbols(self) -> Iterator[RawSymbol]:
        """The defined symbols that have an address; what is damaged is left out."""
        table = self.number_of(".symtab")
        if table is None:
            return
        link = self._raw[table]["sh_link"]
        if not isinstance(link, int) or link >= len(self.sections):
            return
        data, strings = self._contents(table), self._contents(link)
        if len(data) // 16 > MOST_SYMBOLS:
            raise SymbolError(f"more than {MOST_SYMBOLS} symbols")
        whole = len(data) - len(data) % 16
        for place, address, size, info, _, section in struct.iter_unpack(
            self._prefix + "IIIBBH", data[:whole]
        ):
            kind = info & 0xF
            if section == UNDEFINED or section >= FIRST_RESERVED or kind > FUNCTION:
                continue
            if section >= len(self.sections) or place >= len(strings):
                continue
            # A name without an end would be all the rest, once a symbol.
            name = strings[place : place + 512].partition(b"\0")[0].decode("utf-8", "replace")
            if name:
                yield RawSymbol(name, address, size, kind, info >> 4 == 1, section)

    def is_code(self, number: int) -> bool:
        """Does a section, by its number, hold instructions?"""
        return bool(self.sections[number].flags & EXECUTABLE)

    def code(self) -> Iterator[tuple[int, bytes]]:
        """The instructions: addresses, and the bytes there. Of a file without sections they are
        what its executable segments hold."""
        wanted = EXECUTABLE | ALLOCATED
        left = MOST_SECTION  # Of all: many may lie over one another in the file.
        numbers = [n for n, each in enumerate(self.sections) if each.flags & wanted == wanted]
        for number in numbers:
            data = self._contents(number)[:left]
            left -= len(data)
            if data:
                yield self.sections[number].address, data
        if not numbers:
            for address, begin, size in self._segments:
                data = self._data[begin : begin + min(size, left)]
                left -= len(data)
                yield address, data


def read_executable(path: str | Path) -> Executable:
    """The executable in a file; SymbolError or OSError when there is none."""
    with Path(path).open("rb") as file:
        data = read_at_most(file, MOST_BYTES)
    if len(data) > MOST_BYTES:
        raise SymbolError(f"larger than {MOST_BYTES >> 20}M")
    return Executable(data)


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:100] or type(error).__name__
