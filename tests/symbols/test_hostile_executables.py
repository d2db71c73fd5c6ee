"""Executables with a wrong number in a header, or in their debug information: whatever reads them
ends soon, takes no memory for what is not there, and says in a line what is wrong."""

import contextlib
import struct
import tracemalloc
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from kseg.api.guests import find_guest
from kseg.errors import KsegError
from kseg.machine.elf import load_image, read_image
from kseg.memory.physical import PhysicalMemory
from kseg.symbols.executable import read_executable
from kseg.symbols.symbol_file import SymbolFile

PROGRAM_HEADER, SECTION_HEADER = 32, 40


@cache
def good() -> bytes:
    return find_guest("cms").path.read_bytes()


@cache
def fields() -> list[tuple[int, str]]:
    """Where the numbers of all headers are, and what they are."""
    header = struct.unpack_from(">16sHHIIIIIHHHHHH", good())
    found = [(place, "I") for place in (24, 28, 32, 36)]
    found += [(place, "H") for place in (16, 18, 40, 42, 44, 46, 48, 50)]
    tables = ((header[5], header[10], PROGRAM_HEADER), (header[6], header[12], SECTION_HEADER))
    for offset, count, size in tables:
        found += [(offset + place, "I") for place in range(0, count * size, 4)]
    return found


@cache
def contents() -> list[tuple[int, int]]:
    """Where sections lie that are not in memory: symbols and debug information."""
    header = struct.unpack_from(">16sHHIIIIIHHHHHH", good())
    sections = [
        struct.unpack_from(">10I", good(), header[6] + number * SECTION_HEADER)
        for number in range(header[12])
    ]
    return [(each[4], each[5]) for each in sections if each[1] in (1, 2, 3) and not each[3]]


@st.composite
def executables(draw: st.DrawFn) -> bytes:
    data = bytearray(good())
    if draw(st.booleans()):
        place, kind = draw(st.sampled_from(fields()))
        limit = 1 << (32 if kind == "I" else 16)
        wrong = (0, 1, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, len(data), len(data) + 1)
        struct.pack_into(">" + kind, data, place, draw(st.sampled_from(wrong)) % limit)
    else:
        begin, size = draw(st.sampled_from([each for each in contents() if each[1]]))
        for place in draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=8)):
            data[begin + place] = draw(st.sampled_from((0, 1, 0x7F, 0x80, 0xFF)))
    return bytes(data)


def read(path: Path) -> None:
    with contextlib.suppress(KsegError):
        load_image(read_image(path), PhysicalMemory(1 << 20), "it")
    try:
        file = SymbolFile(read_executable(path), "it")
        for symbol in file.symbols[:20] + file.symbols[-5:]:
            file.location(symbol.address + 4)
            file.call_frame(symbol.address + 4)
            file.function_start(symbol.address + 8)
        file.lines.addresses("main.c", 3)
    except KsegError:
        pass


@settings(max_examples=40)
@given(executables())
def test_a_wrong_number(data: bytes) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "it.elf"
        path.write_bytes(data)
        tracemalloc.start()
        try:
            read(path)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 64 * len(data)
