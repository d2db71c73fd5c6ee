"""What a region holds, as plain data: its pages by number, without those that are all zero.

Most of a machine's memory was never touched. The host knows which pages were (`private_pages`), so
that looking for what a region holds costs what is there, and not what there could be.
"""

from collections.abc import Iterator

import msgspec

from kseg.memory.pages import PAGE_SIZE, PAGES_AT_ONCE, ZERO_PAGE, runs
from kseg.memory.physical import PhysicalMemory, Region


class RegionContents(msgspec.Struct, frozen=True):
    """`size` bytes, all zero but for `pages`: PAGE_SIZE bytes from PAGE_SIZE times the number,
    or less at the end of a region."""

    size: int
    pages: dict[int, bytes]

    def __repr__(self) -> str:
        return f"<RegionContents: {self.size} bytes, {len(self.pages)} pages that are not zero>"

    @classmethod
    def of(cls, data: bytes) -> "RegionContents":
        """What a region holds whose bytes are these."""
        pages = {
            place // PAGE_SIZE: data[place : place + PAGE_SIZE]
            for place in range(0, len(data), PAGE_SIZE)
        }
        return cls(len(data), {n: page for n, page in pages.items() if page.strip(b"\0")})

    def whole(self) -> bytes:
        """All bytes."""
        data = bytearray(self.size)
        for page, piece in self.pages.items():
            data[page * PAGE_SIZE : page * PAGE_SIZE + len(piece)] = piece
        return bytes(data)

    def fits(self) -> bool:
        """Whether every page lies within the region and has the bytes it should have."""
        return all(
            0 <= page * PAGE_SIZE < self.size
            and len(data) == min(PAGE_SIZE, self.size - page * PAGE_SIZE)
            for page, data in self.pages.items()
        )


def read_contents(memory: PhysicalMemory, region: Region) -> RegionContents:
    """What a region of a memory holds."""
    found = _pages(memory, region)
    return RegionContents(
        region.size, {page: piece for page, piece in found if not ZERO_PAGE.startswith(piece)}
    )


def _pages(memory: PhysicalMemory, region: Region) -> Iterator[tuple[int, bytes]]:
    """The pages that were ever written, by number."""
    for first, end in runs(memory.used_pages(region)):
        for some in range(first, end, PAGES_AT_ONCE):
            base = some * PAGE_SIZE
            limit = min(base + PAGES_AT_ONCE * PAGE_SIZE, end * PAGE_SIZE, region.size)
            data = memory.read(region.base + base, limit - base)
            for place in range(0, len(data), PAGE_SIZE):
                yield some + place // PAGE_SIZE, data[place : place + PAGE_SIZE]


def write_contents(memory: PhysicalMemory, region: Region, contents: RegionContents) -> None:
    """Let a region of the same size hold this and nothing else. Pages that hold it already are not
    touched: listeners to writes have nothing to forget of them."""
    wanted = dict(contents.pages)
    for page, piece in _pages(memory, region):
        if page in wanted:
            if wanted[page] == piece:
                del wanted[page]
        elif not ZERO_PAGE.startswith(piece):
            memory.clear(region.base + page * PAGE_SIZE, len(piece))
    numbers, first = sorted(wanted), 0
    for index, page in enumerate(numbers, 1):
        # In runs: each write is reported to the listeners.
        begins = index == len(numbers) or numbers[index] != page + 1
        if begins or index - first == PAGES_AT_ONCE:
            run = [wanted[number] for number in numbers[first:index]]
            memory.write(region.base + numbers[first] * PAGE_SIZE, b"".join(run))
            first = index
