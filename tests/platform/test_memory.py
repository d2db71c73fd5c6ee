"""Memory from the host: zeros, and zeros again."""

import ctypes

import pytest

from kseg.platform import memory as module
from kseg.platform.memory import PAGE_SIZE, Memory, whole_pages


@pytest.mark.parametrize("sparse", [True, False])
def test_it_is_zero_and_can_be_written_at_its_address(sparse: bool) -> None:
    memory = Memory(3 * PAGE_SIZE, sparse=sparse)
    assert bytes(memory.view) == bytes(3 * PAGE_SIZE)
    ctypes.memmove(memory.address + 5, b"abc", 3)
    assert memory.view[5:8] == b"abc"


@pytest.mark.parametrize("discards", [True, False])
@pytest.mark.parametrize(("offset", "length"), [(PAGE_SIZE, PAGE_SIZE), (7, 2 * PAGE_SIZE), (1, 0)])
def test_what_is_discarded_is_zero_and_nothing_else(
    discards: bool, offset: int, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not discards:  # a host on which that would leave what was there
        monkeypatch.setattr(module, "_DISCARD", None)
    memory = Memory(4 * PAGE_SIZE)
    memory.view[:] = b"x" * len(memory.view)
    memory.discard(offset, length)
    expected = bytearray(b"x" * len(memory.view))
    expected[offset : offset + length] = bytes(length)
    assert bytes(memory.view) == expected


def test_pages_are_the_hosts() -> None:
    assert [whole_pages(n) for n in (0, 1, PAGE_SIZE, PAGE_SIZE + 1)] == [
        0, PAGE_SIZE, PAGE_SIZE, 2 * PAGE_SIZE,
    ]  # fmt: skip
