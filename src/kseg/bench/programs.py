"""The benchmark programs: small, the same instructions for every emulator, a checksum each.

Their sources are in `guest/programs`; `guest/runtime` has what differs between platforms. The
images, made by guests/build.py, lie in `kseg/images/bench/PLATFORM`.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kseg.bench.process import MeasureError


@dataclass(frozen=True)
class Program:
    """A benchmark program, and the instructions that its System/161 image executes."""

    does: str
    """What it does most."""
    preparing: int
    """Instructions before and after its rounds, about."""
    each: int
    """Instructions of a round, on average over many."""

    def rounds(self, instructions: float) -> int:
        """The number of rounds that makes so many instructions, or one."""
        return max(1, round((instructions - self.preparing) / self.each))


PROGRAMS = {
    "sieve": Program("byte stores at growing strides, short loops", 703, 980_086),
    "crc32": Program("table look-ups, each depending on the one before", 92_877, 991_264),
    "matmul": Program("multiplications, nested loops", 33_095, 923_688),
    "records": Program("strings, small calls, calls by pointer: as Dhrystone", 146_487, 993_163),
    "bytecode": Program("a switch for each instruction of a small machine", 816, 917_437),
    "walker": Program("a chain of pointers in no order through 1 MiB", 1_573_607, 1_000_008),
}
"""By name. A test compares the numbers with kseg's count."""

FEW = ("sieve", "records", "walker")
"""Those that stand for all where there is little time."""

SOURCES = Path(__file__).parent / "guest"
_IMAGES = Path(__file__).parents[1] / "images" / "bench"

_MARKER = b"KSEG ROUNDS\0"
"""Stands before the number of rounds in every image; see guest/runtime/main.c."""


def image(platform: str, program: str) -> bytes:
    """The executable of `program` for one of the platforms that guests/build.py knows."""
    return (_IMAGES / platform / f"{program}.elf").read_bytes()


def with_rounds(contents: bytes, rounds: int, byte_order: Literal["big", "little"]) -> bytes:
    """An executable that does its work `rounds` times, each about a million instructions."""
    place = contents.index(_MARKER) + len(_MARKER)
    return contents[:place] + rounds.to_bytes(4, byte_order) + contents[place + 4 :]


class DifferentError(MeasureError):
    """Two peers computed different things; which is right cannot be known here."""


class Checksums:
    """What the programs computed; every peer must compute the same."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, int], tuple[str, str]] = {}

    def check(self, peer: str, program: str, rounds: int, output: str) -> None:
        """DifferentError unless `output` has the checksum that the first peer printed; MeasureError
        if it has none."""
        found = re.search(rf"^{program} {rounds} ([0-9a-f]{{8}})$", output, re.MULTILINE)
        if found is None:
            raise MeasureError(f"{program} printed no checksum:\n{output}")
        first, checksum = self._first.setdefault((program, rounds), (peer, found[1]))
        if checksum != found[1]:
            both = f"{checksum} under {first}, {found[1]} under {peer}"
            raise DifferentError(f"{program}, {rounds} rounds: {both}")
