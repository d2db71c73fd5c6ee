"""Files without a name that memories show, copy-on-write."""

import os

import pytest

from kseg.platform.memory import PAGE_SIZE, Memory
from kseg.platform.sharing import SharedFile, private_pages


@pytest.mark.parametrize("named", [False, True])
def test_what_is_written_stays_ones_own(named: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if named:  # as on macOS
        monkeypatch.delattr(os, "memfd_create")
    file = SharedFile(2 * PAGE_SIZE)
    file.write(PAGE_SIZE - 1, memoryview(b"shared"))
    memories = [Memory(2 * PAGE_SIZE) for _ in range(2)]
    for memory in memories:
        file.map_over(memory)
        assert memory.view[PAGE_SIZE - 2 : PAGE_SIZE + 6] == b"\0shared\0"
    memories[0].view[PAGE_SIZE] = ord("H")
    assert memories[0].view[PAGE_SIZE - 1 : PAGE_SIZE + 5] == b"sHared"
    assert memories[1].view[PAGE_SIZE - 1 : PAGE_SIZE + 5] == b"shared"


def test_pages_of_ones_own() -> None:
    memory = Memory(4 * PAGE_SIZE)
    memory.view[2 * PAGE_SIZE] = 1
    marks = private_pages(memory.address, 4 * PAGE_SIZE, PAGE_SIZE)
    assert marks in (b"\0\0\1\0", b"\1\1\1\1")  # where the host has huge pages, or does not say
    assert private_pages(memory.address, 4 * PAGE_SIZE, 2 * PAGE_SIZE) == b"\1\1"
