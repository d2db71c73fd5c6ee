"""Physical memory: regions and their bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg.memory.physical import MemoryRangeError, PhysicalMemory


@pytest.mark.parametrize("size", [0, -4096, 1, 4097])
def test_ram_is_whole_pages(size: int) -> None:
    with pytest.raises(ValueError, match="multiple of 4096"):
        PhysicalMemory(size)


def test_regions_do_not_overlap() -> None:
    memory = PhysicalMemory(8192)
    with pytest.raises(ValueError, match="overlaps region ram"):
        memory.add_region("rom", 4096, 4096)
    memory.add_region("rom", 8192, 4096)
    with pytest.raises(ValueError, match="overlaps region rom"):
        memory.add_region("buffer", 12287, 512)


def test_a_region_lies_in_32_bits() -> None:
    memory = PhysicalMemory(4096)
    with pytest.raises(ValueError, match="32-bit"):
        memory.add_region("high", 0xFFFFF000, 8192)


@given(address=st.integers(0, 9000), length=st.integers(0, 9000))
def test_only_what_one_region_holds_can_be_read(address: int, length: int) -> None:
    memory = PhysicalMemory(4096)
    memory.add_region("buffer", 4096, 512)
    inside = address + length <= 4096 if address < 4096 else address < 4608 >= address + length
    if inside:
        assert memory.read(address, length) == bytes(length)
    else:
        with pytest.raises(MemoryRangeError):
            memory.read(address, length)


def test_listeners_hear_of_writes() -> None:
    memory = PhysicalMemory(4096)
    heard: list[tuple[int, int]] = []
    memory.on_write(lambda address, length: heard.append((address, length)))
    memory.write(16, b"kseg")
    assert memory.read(16, 4) == b"kseg"
    assert heard == [(16, 4)]
