"""Memory from the host: zeros, and zeros again."""

import ctypes
import errno
import gc
import mmap
from collections.abc import Iterator
from typing import Any

import pytest

from kseg.errors import ConfigurationError
from kseg.memory.physical import PhysicalMemory
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


# Garbage.


@pytest.fixture
def counted_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Python's own collection never comes here, and 4 MiB are much."""
    gc.collect()
    few = module.TAKEN.bytes + 4 * module.LITTLE
    monkeypatch.setattr(module.TAKEN, "limit", few)
    monkeypatch.setattr(module, "FEW", few)
    gc.disable()
    yield
    gc.enable()


def garbage() -> None:
    """Memory that only a cycle of references holds, as a machine's."""
    found: list[object] = [Memory(module.LITTLE)]
    found.append(found)


@pytest.mark.usefixtures("counted_anew")
def test_dead_ones_do_not_pile_up() -> None:
    before, most = module.TAKEN.bytes, 0
    for _ in range(40):
        garbage()
        most = max(most, module.TAKEN.bytes - before)
    assert module.LITTLE <= most <= 6 * module.LITTLE


@pytest.mark.usefixtures("counted_anew")
def test_what_is_in_use_is_not_searched_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    monkeypatch.setattr(gc, "collect", looks.append)
    kept = [Memory(module.LITTLE) for _ in range(40)]
    assert 2 <= len(looks) <= 12
    few = len(looks)
    kept += [Memory(module.LITTLE, sparse=True) for _ in range(9)]
    kept += [Memory(4096) for _ in range(9)]
    assert len(looks) == few


def test_a_host_without_memory_may_have_it_in_the_garbage(monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[int] = []
    collected: list[int] = []
    real = mmap.mmap

    def refuse(*arguments: Any, **options: Any) -> mmap.mmap:
        if len(collected) == 1:
            return real(*arguments, **options)
        refused.append(1)
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(mmap, "mmap", refuse)
    monkeypatch.setattr(gc, "collect", lambda *_: collected.append(1))
    before = module.TAKEN.bytes
    made = Memory(module.LITTLE)
    assert (len(refused), module.TAKEN.bytes - before) == (1, module.LITTLE)
    del made
    assert module.TAKEN.bytes == before
    monkeypatch.setattr(gc, "collect", lambda *_: 0)
    collected.clear()
    with pytest.raises(ConfigurationError, match="ram: the host has no 1024 KiB"):
        PhysicalMemory(module.LITTLE)
    assert module.TAKEN.bytes == before
