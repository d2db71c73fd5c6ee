"""Paged memory: a guest's pages, wherever in the hardware's memory they lie."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg.memory.paged import FRAME_WRITABLE, PagedMemory
from kseg.memory.pages import PAGE_SIZE
from kseg.memory.physical import MemoryRangeError, PhysicalMemory

PAGES = 4
SIZE = PAGES * PAGE_SIZE


def scattered(hardware: PhysicalMemory) -> PagedMemory:
    """A guest whose page n is to lie in frame 9 - 2n, once it is written."""
    memory = PagedMemory(SIZE, hardware)

    def make_writable(page: int) -> None:
        memory.frames[page] = (9 - 2 * page) * PAGE_SIZE | FRAME_WRITABLE

    memory.make_writable = make_writable
    return memory


def test_nothing_is_written_before_somebody_gives_frames() -> None:
    memory = PagedMemory(SIZE, PhysicalMemory(SIZE))
    assert memory.read(0, SIZE) == bytes(SIZE)
    memory.write(5, bytes(PAGE_SIZE))  # zeros where there are zeros
    with pytest.raises(RuntimeError, match="page 1"):
        memory.write(PAGE_SIZE, b"x")


@given(
    writes=st.lists(st.tuples(st.integers(0, SIZE), st.binary(max_size=2 * PAGE_SIZE)), max_size=8),
    reads=st.lists(st.tuples(st.integers(0, SIZE), st.integers(0, SIZE)), max_size=8),
)
def test_the_guest_sees_one_piece(
    writes: list[tuple[int, bytes]], reads: list[tuple[int, int]]
) -> None:
    memory, expected = scattered(PhysicalMemory(10 * PAGE_SIZE)), bytearray(SIZE)
    for address, data in writes:
        if address + len(data) > SIZE:
            with pytest.raises(MemoryRangeError):
                memory.write(address, data)
        else:
            memory.write(address, data)
            expected[address : address + len(data)] = data
    assert memory.read(0, SIZE) == expected
    for address, length in reads:
        if address + length <= SIZE:
            assert memory.read(address, length) == expected[address : address + length]


def test_pages_lie_where_the_table_says() -> None:
    hardware = PhysicalMemory(10 * PAGE_SIZE)
    memory = scattered(hardware)
    heard: list[tuple[int, int]] = []
    hardware.on_write(lambda address, length: heard.append((address, length)))
    assert memory.is_kept(2 * PAGE_SIZE)
    memory.write(2 * PAGE_SIZE - 1, b"ab")
    assert hardware.read(8 * PAGE_SIZE - 1, 1) == b"a"
    assert hardware.read(5 * PAGE_SIZE, 1) == b"b"
    assert heard == [(8 * PAGE_SIZE - 1, 1), (5 * PAGE_SIZE, 1)]
    assert not memory.is_kept(2 * PAGE_SIZE)
    assert memory.frame_of(2) == 5 * PAGE_SIZE
    page = memory.region_at(2 * PAGE_SIZE + 7)
    assert page is not None
    assert (page.base, page.size, bytes(page.data[:1])) == (2 * PAGE_SIZE, PAGE_SIZE, b"b")
    assert page.host_address == hardware.ram.host_address + 5 * PAGE_SIZE


def test_other_regions_are_the_guests_own() -> None:
    hardware = PhysicalMemory(10 * PAGE_SIZE)
    memory = scattered(hardware)
    memory.add_region("buffer", 1 << 20, 512)
    memory.write(1 << 20, b"buffer")
    assert memory.read(1 << 20, 6) == b"buffer"
    assert not memory.is_kept(1 << 20)
    assert memory.region_at(SIZE) is None
    with pytest.raises(MemoryRangeError):
        memory.read(SIZE - 1, 2)
    assert not any(hardware.ram.data)


def test_what_is_discarded_is_zero() -> None:
    memory = PhysicalMemory(3 * PAGE_SIZE)
    memory.add_region("buffer", 1 << 20, PAGE_SIZE)
    memory.write(0, b"x" * 3 * PAGE_SIZE)
    memory.write(1 << 20, b"x" * PAGE_SIZE)
    heard: list[tuple[int, int]] = []
    memory.on_write(lambda address, length: heard.append((address, length)))
    memory.discard(PAGE_SIZE, PAGE_SIZE)
    memory.discard(1 << 20, 512)
    assert memory.read(0, 3 * PAGE_SIZE) == (b"x" * PAGE_SIZE + bytes(PAGE_SIZE) + b"x" * PAGE_SIZE)
    assert memory.read(1 << 20, 513) == bytes(512) + b"x"
    assert heard == [(PAGE_SIZE, PAGE_SIZE), (1 << 20, 512)]
    with pytest.raises(MemoryRangeError):
        memory.discard(2 * PAGE_SIZE, 2 * PAGE_SIZE)
