"""Loading a kernel: ELF program headers, and nothing else of ELF.

A strict little reader of our own: loading is on the way of every cold start, and a general ELF
library costs more time to import than the whole boot of a small kernel
(docs/decisions/elf-reader.md). Symbols and line numbers are read elsewhere, when asked for.
"""

import struct
import weakref
from pathlib import Path

import msgspec

from kseg.errors import ImageError
from kseg.machine.host_file import read_at_most
from kseg.memory.physical import PhysicalMemory

HEADER_SIZE = 52
PROGRAM_HEADER_SIZE = 32
EXECUTABLE = 2
MIPS = 8
LOAD = 1
MOST_BYTES = 256 << 20
"""A file that is larger is not a kernel."""

KSEG0, KSEG2 = 0x80000000, 0xC0000000
PHYSICAL_MASK = 0x1FFFFFFF
WINDOW = 0x40000000
"""Where a kernel is linked that a monitor is to run in user mode: the 512 MiB from here lead to
the physical addresses from 0, as long as it is in its kernel mode."""


class Segment(msgspec.Struct, frozen=True):
    """One PT_LOAD: `data`, then zeros up to `size` bytes, at virtual `address`."""

    address: int
    size: int
    data: bytes
    executable: bool


class Image(msgspec.Struct, frozen=True, weakref=True):
    """An executable: where it starts and what goes where."""

    entry: int
    segments: tuple[Segment, ...]

    @property
    def in_window(self) -> bool:
        """Is it linked for a monitor that provides the window?"""
        return WINDOW <= self.entry <= WINDOW + PHYSICAL_MASK


def read_image(path: str | Path, byte_order: str = "big") -> Image:
    """Read the ELF executable at `path`; ImageError when there is none that could be loaded."""
    try:
        with Path(path).open("rb") as file:
            data = read_at_most(file, MOST_BYTES)
    except OSError as error:
        raise ImageError(f"cannot read kernel {path}: {error.strerror}") from None
    if len(data) > MOST_BYTES:
        raise ImageError(f"kernel {path}: larger than {MOST_BYTES >> 20}M")
    return parse_image(data, str(path), byte_order)


def parse_image(data: bytes, name: str = "image", byte_order: str = "big") -> Image:
    """Check an ELF file's bytes and take its segments out; ImageError says what is wrong.

    What System/161's loader takes is taken (System/161 manual, "MIPS", "Kernel loading"); segment
    types it does not know, which today's linkers add, are skipped.
    """

    def check(condition: bool, text: str) -> None:
        if not condition:
            raise ImageError(f"kernel {name}: {text}")

    check(data[:4] == b"\x7fELF", "not an ELF executable; give what the linker makes")
    check(len(data) >= HEADER_SIZE, "cut short: the ELF header is not complete; copy it anew")
    check(data[4] == 1, "not a 32-bit executable; compile it for MIPS I")
    wanted, prefix = (2, ">") if byte_order == "big" else (1, "<")
    check(data[5] == wanted, f"wrong byte order; this machine is {byte_order} endian, link it so")
    kind, machine, version, entry, table = struct.unpack_from(prefix + "HHIII", data, 16)
    entry_size, entries = struct.unpack_from(prefix + "HH", data, 42)
    check(data[6] == 1 and version == 1, "unknown ELF version")
    check(machine == MIPS, f"for processor type {machine}, not MIPS; compile it for MIPS I")
    check(kind == EXECUTABLE, "not linked: ELF but not an executable; link it")
    check(entry & 3 == 0, f"entry point {entry:#010x} is not a multiple of 4")
    check(
        entries == 0 or entry_size >= PROGRAM_HEADER_SIZE,
        f"program headers of {entry_size} bytes",
    )
    check(
        table + entries * entry_size <= len(data),
        "cut short: program headers are missing; copy it anew",
    )
    segments = []
    for index in range(entries):
        kind, offset, address, _physical, in_file, size, flags = struct.unpack_from(
            prefix + "7I", data, table + index * entry_size
        )
        if kind != LOAD:
            continue
        in_file = min(in_file, size)
        complete = offset + in_file <= len(data)
        check(complete, f"cut short: the segment for {address:#010x} is missing; copy it anew")
        segments.append(Segment(address, size, data[offset : offset + in_file], bool(flags & 1)))
    check(bool(segments), "has no segments to load")
    image = Image(entry, tuple(segments))
    # Machines keep their image for a reset; those of the same kernel keep one between them.
    return _images.setdefault(image, image)


_images: "weakref.WeakValueDictionary[Image, Image]" = weakref.WeakValueDictionary()


def load_image(image: Image, memory: PhysicalMemory, name: str = "image") -> None:
    """Copy segments to the physical RAM behind their kseg0 or kseg1 addresses, or those in the
    window; ImageError when one lies elsewhere."""
    first, last, where = KSEG0, KSEG2 - 1, "kseg0 or kseg1; link the kernel at 0x80000000 or above"
    if image.in_window:
        first, last, where = WINDOW, WINDOW + PHYSICAL_MASK, "the window at 0x40000000"
    for segment in image.segments:
        end = segment.address + segment.size
        if not first <= segment.address <= end <= last:
            raise ImageError(
                f"kernel {name}: a segment at {segment.address:#010x} (size {segment.size}) is not"
                f" in {where}"
            )
        physical = segment.address & PHYSICAL_MASK
        # The end must lie below the top of RAM, not at it: System/161's rule.
        if physical + segment.size >= memory.ram.size:
            raise ImageError(
                f"kernel {name}: a segment at {segment.address:#010x} (size {segment.size}) does"
                f" not fit into {memory.ram.size >> 10}K of RAM; give more"
            )
        memory.write(physical, segment.data)
        memory.write(physical + len(segment.data), bytes(segment.size - len(segment.data)))
