"""What is requested of the compile server, and what it answers: plain data, for a pipe and for
files."""

import struct
from collections.abc import Iterable

import msgspec


class Page(msgspec.Struct, frozen=True):
    """One page of guest code as it was when the request was made."""

    number: int
    """Virtual page number."""
    content: bytes
    """Its 4096 bytes, as they lie in memory."""
    executed: bytes
    """A byte for each of its 1024 instructions: 1 if it has been executed, else 0."""

    def was_executed(self, index: int) -> bool:
        """Has instruction `index` been executed?"""
        return bool(self.executed[index])

    def words(self, byte_order: str) -> tuple[int, ...]:
        """All its instructions."""
        return struct.unpack(f"{'>' if byte_order == 'big' else '<'}1024I", self.content)

    def word(self, index: int, byte_order: str) -> int:
        """Instruction `index`."""
        layout = ">I" if byte_order == "big" else "<I"
        (value,) = struct.unpack_from(layout, self.content, 4 * index)
        return int(value)


class Request(msgspec.Struct, frozen=True):
    """Translate what is around `seed`."""

    number: int
    profile: str
    byte_order: str
    seed: int
    """The virtual address of an instruction that is executed often."""
    pages: list[Page]
    """The seed's page and those that it may lead to."""
    jumps: dict[int, list[int]]
    """By the address of a jump to a register: targets that it had, the most frequent first."""
    most_instructions: int = 400
    most_pages: int = 8


class Head(msgspec.Struct, frozen=True):
    """An entry point of a translation; at a loop, for on-stack replacement."""

    pc: int
    offset: int
    """Of its native code."""


class Source(msgspec.Struct, frozen=True):
    """A run of guest instructions that a translation was made from."""

    pc: int
    content: bytes


def sources_of(request: Request, addresses: Iterable[int]) -> list[Source]:
    """The guest bytes at the ascending `addresses` of instructions, in runs within a page."""
    contents = {page.number: page.content for page in request.pages}
    found: list[Source] = []
    run: list[int] = []
    for pc in [*addresses, -1]:
        if (run and pc != run[-1] + 4) or (run and pc & 0xFFF == 0):
            start = run[0] & 0xFFF
            found.append(Source(run[0], contents[run[0] >> 12][start : start + 4 * len(run)]))
            run = []
        run.append(pc)
    return found


class Translation(msgspec.Struct, frozen=True):
    """Native code for a region; it refers to nothing outside itself but its arguments."""

    code: bytes
    pages_offset: int
    """Where in `code` the addresses of the code pages are to be written, 8 bytes each, in the order
    of `pages`."""
    pages: list[int]
    """Virtual page numbers."""
    heads: list[Head]
    sources: list[Source]
    instructions: int
    """How many guest instructions it was made from."""
    tier: int
    seconds: float
    """What making it took."""


class Answer(msgspec.Struct, frozen=True):
    """To the request of the same number."""

    number: int
    translation: Translation | None
    """None if there is nothing to gain."""
    error: str = ""
