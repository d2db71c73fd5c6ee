"""RAM that several memories have in common until they write it."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kseg.memory.contents import RegionContents, read_contents, write_contents
from kseg.memory.pages import PAGE_SIZE
from kseg.memory.physical import FEW_PAGES, PhysicalMemory
from kseg.platform import sharing

SIZE = 256 * PAGE_SIZE


def ram(memory: PhysicalMemory) -> bytes:
    return memory.read(0, SIZE)


def copy(memory: PhysicalMemory) -> PhysicalMemory:
    layer, pages = memory.freeze()
    other = PhysicalMemory(SIZE, layer)
    for page, data in pages.items():
        other.write(page * PAGE_SIZE, data)
    return other


writes = st.lists(
    st.tuples(
        st.sampled_from(["write", "discard", "copy"]),
        st.integers(0, 50),
        st.integers(0, 255),
        st.integers(1, 2 * FEW_PAGES),
    ),
    max_size=25,
)


@pytest.mark.parametrize("told", [True, False])
@settings(max_examples=40)
@given(writes)
def test_copies_go_their_own_ways(told: bool, steps: list[tuple[str, int, int, int]]) -> None:
    private, few = sharing.private_pages, FEW_PAGES
    if not told:  # a host without /proc/self/pagemap
        sharing.private_pages = lambda _address, size, _page: b"\x01" * (size // PAGE_SIZE)
    try:
        memories = [PhysicalMemory(SIZE)]
        models = [bytearray(SIZE)]
        for kind, which, value, pages in steps:
            number = which % len(memories)
            start = value % (SIZE // PAGE_SIZE - pages) * PAGE_SIZE
            length = pages * PAGE_SIZE
            if kind == "copy" and len(memories) < 6:
                memories.append(copy(memories[number]))
                models.append(bytearray(models[number]))
            elif kind == "discard":
                memories[number].discard(start, length)
                models[number][start : start + length] = bytes(length)
            else:
                data = bytes([value]) * (length - 100)
                memories[number].write(start + 50, data)
                models[number][start + 50 : start + 50 + len(data)] = data
        for memory, model in zip(memories, models, strict=True):
            contents = read_contents(memory, memory.ram)
            assert contents == RegionContents.of(bytes(model))
            assert ram(memory) == contents.whole() == model
    finally:
        sharing.private_pages = private
    assert few == FEW_PAGES


def test_addresses_stay() -> None:
    memory = PhysicalMemory(SIZE)
    memory.write(0x3000, b"before")
    address, view = memory.ram.host_address, memory.ram.data
    memory.freeze()
    assert (memory.ram.host_address, bytes(view[0x3000:0x3006])) == (address, b"before")
    view[0x3000:0x3003] = b"now"
    assert memory.read(0x3000, 6) == b"nowore"


def test_what_was_never_written_is_not_looked_at() -> None:
    memory = PhysicalMemory(SIZE)
    memory.write(5 * PAGE_SIZE, b"x")
    if sharing.PAGE_SIZE != PAGE_SIZE or not Path("/proc/self/pagemap").exists():
        pytest.skip("this host does not say which pages are used, or has larger ones")
    assert [n for n, mark in enumerate(memory.used_pages(memory.ram)) if mark] == [5]
    # Looking at a layer's holes must not fill them either.
    other = copy(memory)
    assert [n for n, mark in enumerate(other.used_pages(other.ram)) if mark] == [5]


def test_contents_replace_what_was_there() -> None:
    memory = PhysicalMemory(SIZE)
    region = memory.add_region("short", 0x10000000, 700)
    for each, data in ((memory.ram, b"old" * 9000), (region, b"\x01" * 700)):
        memory.write(each.base, data)
        contents = RegionContents.of(bytes(each.size - 10).ljust(each.size, b"n"))
        write_contents(memory, each, contents)
        assert memory.read(each.base, each.size) == contents.whole()
        assert read_contents(memory, each) == contents


@pytest.mark.parametrize(
    "pages", [{-1: bytes(4096)}, {2: b""}, {0: b"short"}, {1: bytes(4096)}, {1: bytes(5)}]
)
def test_pages_that_do_not_fit(pages: dict[int, bytes]) -> None:
    assert not RegionContents(5000, pages).fits()
    assert RegionContents(5000, {0: bytes(4096), 1: bytes(904)}).fits()
