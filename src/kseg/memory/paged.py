"""Paged memory: a guest's physical memory, each page of it somewhere in the hardware's.

A table has a word for each page of the guest's: the physical address of the *frame* of the hardware
that holds it, and whether it may be written there. Engines go by that table themselves; what gives
out frames is a monitor's business.
"""

import ctypes
from collections.abc import Callable

from kseg.memory.pages import PAGE_SIZE
from kseg.memory.physical import PhysicalMemory, Region

FRAME_WRITABLE = 1
"""In a word of the table: the page may be written. Bits 31:12 are the frame's address."""


class PagedMemory(PhysicalMemory):
    """Physical memory whose RAM lies in frames of other memory."""

    def __init__(self, ram_size: int, hardware: PhysicalMemory) -> None:
        """All pages of RAM are frame 0 at first, and not to be written. ValueError unless
        `ram_size` is a positive multiple of the page size."""
        self.hardware = hardware
        self.frames = (ctypes.c_uint32 * (ram_size // PAGE_SIZE))()
        """For each page its frame, as native code reads it."""
        self.contiguous: int | None = None
        """Where all of RAM lies, if page after page in the hardware's, to be written there."""
        self.make_writable: Callable[[int], None] = _nobody_allocates
        """Called with a page's number before that is written, where it may not be."""
        super().__init__(ram_size)

    def _create_ram(self, size: int) -> Region:
        """What says how much RAM there is; its bytes are reached through `frames` alone."""
        region = Region("ram", 0, size, True, True, memoryview(b""), 0)
        self.regions.append(region)
        return region

    def frame_of(self, page: int) -> int:
        """The hardware's physical address of a page."""
        return self.frames[page] & -PAGE_SIZE

    def is_writable(self, page: int) -> bool:
        """May the page be written where it lies?"""
        return bool(self.frames[page] & FRAME_WRITABLE)

    def is_kept(self, address: int) -> bool:
        return address < self.ram.size and not self.is_writable(address // PAGE_SIZE)

    def region_at(self, address: int) -> Region | None:
        """The region that holds physical `address`: of RAM, the one page; or None."""
        if not 0 <= address < self.ram.size:
            return super().region_at(address)
        page = address // PAGE_SIZE
        frame = self.frame_of(page)
        ram = self.hardware.ram
        data = ram.data[frame : frame + PAGE_SIZE]
        return Region(
            "ram", page * PAGE_SIZE, PAGE_SIZE, True, True, data, ram.host_address + frame
        )

    def read(self, address: int, length: int) -> bytes:
        region = self._holding(address, length)
        if region is not self.ram:
            return super().read(address, length)
        return b"".join(
            self.hardware.read(self.frame_of(page) + offset, size)
            for page, offset, size in _pieces(address, length)
        )

    def write(self, address: int, data: bytes) -> None:
        region = self._holding(address, len(data))
        if region is not self.ram:
            super().write(address, data)
            return
        done = 0
        for page, offset, size in _pieces(address, len(data)):
            piece = data[done : done + size]
            done += size
            if not self.is_writable(page):
                # Zeros that are loaded where all is zero anyway take no frame.
                if self.hardware.read(self.frame_of(page) + offset, size) == piece:
                    continue
                self.make_writable(page)
            # Caches of what is in the hardware's memory are told there.
            self.hardware.write(self.frame_of(page) + offset, piece)

    def clear(self, address: int, length: int) -> None:
        if address < self.ram.size:
            self.write(address, bytes(length))
        else:
            super().clear(address, length)

    def used_pages(self, region: Region) -> bytes:
        if region is not self.ram:
            return super().used_pages(region)
        used = self.hardware.used_pages(self.hardware.ram)
        return bytes(used[word // PAGE_SIZE] for word in self.frames)

    def _holding(self, address: int, length: int) -> Region:
        ram = self.ram
        if length >= 0 and address >= 0 and address + length <= ram.size:
            return ram
        return super()._holding(address, length)


def _pieces(address: int, length: int) -> list[tuple[int, int, int]]:
    """A range of addresses by pages: number, offset and size of each."""
    found = []
    end = address + length
    while address < end:
        page, offset = divmod(address, PAGE_SIZE)
        size = min(PAGE_SIZE - offset, end - address)
        found.append((page, offset, size))
        address += size
    return found


def _nobody_allocates(page: int) -> None:
    raise RuntimeError(f"there is no allocator that gives paged memory a frame for page {page}")
