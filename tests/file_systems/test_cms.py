"""The cms file system, used by the host: what is put comes back, and no disk breaks the tool."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kseg.file_systems.cms.file_system import CmsFileSystem, make_file_system
from kseg.file_systems.cms.layout import MAXIMUM_FILE_SIZE, NAME_LIMIT
from kseg.file_systems.cms.memory_disk import MemoryDisk, pack
from kseg.file_systems.device import FileSystemError
from kseg.file_systems.file_system import FileSystem
from kseg.file_systems.format import BLOCK_SIZE
from tests.file_systems.damage import damaged, filled, try_everything
from tests.file_systems.file_system_model import FileSystemModel


def fresh(sectors: int = 400, inodes: int | None = None) -> CmsFileSystem:
    return make_file_system(MemoryDisk(sectors), inodes=inodes)


def test_an_empty_file_system_is_sound_and_empty() -> None:
    system = make_file_system(MemoryDisk(400), label="empty")
    assert system.list() == []
    assert system.check() == ()
    assert system.free_blocks() == 400 - 1 - 1 - 4


def test_a_file_is_listed_with_size_and_time() -> None:
    system = fresh()
    system.put("a", b"hello", modified=1234)
    (entry,) = system.list()
    assert (entry.name, entry.is_directory, entry.size, entry.modified) == ("a", False, 5, 1234)
    assert system.status("/a") == entry


@pytest.mark.parametrize(
    "blocks",
    [0, 1, 10, 11, 10 + 128, 10 + 128 + 1, 10 + 128 + 128 + 1],
    ids=lambda n: f"{n} blocks",
)
@pytest.mark.parametrize("odd", [0, 1, -1])
def test_files_around_the_pointer_limits(blocks: int, odd: int) -> None:
    data = bytes(index * 7 % 251 for index in range(max(blocks * BLOCK_SIZE + odd, 0)))
    system = fresh(1000)
    before = system.free_blocks()
    system.put("f", data)
    assert CmsFileSystem(system._disk.disk).get("f") == data
    assert system.check() == ()
    system.remove("f")
    assert system.check() == ()
    # The root keeps the block that its entry needed.
    assert system.free_blocks() == before - 1


def test_the_largest_file() -> None:
    system = fresh(17_000)
    system.put("f", bytes(MAXIMUM_FILE_SIZE))
    assert len(system.get("f")) == MAXIMUM_FILE_SIZE
    with pytest.raises(FileSystemError, match="more than a file can hold"):
        system.put("g", bytes(MAXIMUM_FILE_SIZE + 1))


def test_a_full_disk_leaves_nothing_behind() -> None:
    system = fresh(64)
    system.put("kept", b"kept")
    free = system.free_blocks()
    with pytest.raises(FileSystemError, match="full"):
        system.put("f", bytes(64 * BLOCK_SIZE))
    assert system.free_blocks() == free
    assert [entry.name for entry in system.list()] == ["kept"]
    assert system.check() == ()


def test_a_large_disk_that_was_full_for_a_moment_is_used_again() -> None:
    system = fresh(9000)
    with pytest.raises(FileSystemError, match="full"):
        system.put("f", bytes(9000 * BLOCK_SIZE))
    system.put("f", b"f")
    assert system.check() == ()


def test_running_out_of_inodes() -> None:
    system = fresh(400, inodes=8)
    for index in range(6):
        system.put(f"f{index}", b"")
    with pytest.raises(FileSystemError, match="no inode is left"):
        system.put("last", b"")
    assert system.check() == ()


def test_a_directory_grows_past_its_direct_blocks() -> None:
    system = fresh(2000, inodes=400)
    for index in range(300):
        system.put(f"file-{index}", str(index).encode())
    assert system.get("file-299") == b"299"
    assert len(system.list()) == 300
    assert system.check() == ()


def test_directories() -> None:
    system = fresh()
    system.make_directory("d")
    system.make_directory("d/e")
    system.put("d/e/f", b"deep")
    assert system.get("d/e/f") == b"deep"
    assert system.status("d").is_directory
    with pytest.raises(FileSystemError, match="not empty"):
        system.remove("d/e")
    with pytest.raises(FileSystemError, match="exists already"):
        system.make_directory("d")
    with pytest.raises(FileSystemError, match="is a directory"):
        system.get("d")
    with pytest.raises(FileSystemError, match="is a directory"):
        system.put("d", b"")
    with pytest.raises(FileSystemError, match="not a directory"):
        system.list("d/e/f")
    with pytest.raises(FileSystemError, match="not a directory"):
        system.get("d/e/f/g")
    for path in ("d/e/f", "d/e", "d"):
        system.remove(path)
    assert system.check() == ()


@pytest.mark.parametrize(
    "name", ["", "a" * (NAME_LIMIT + 1), "a:b", "a b", "\n", "é", "..", "."], ids=repr
)
def test_names_that_are_refused(name: str) -> None:
    system = fresh()
    with pytest.raises(FileSystemError):
        system.put(name, b"")
    assert system.list() == []


@pytest.mark.parametrize("path", ["nothing", "nothing/below", "d/nothing"])
def test_what_does_not_exist(path: str) -> None:
    system = fresh()
    system.make_directory("d")
    for request in (system.get, system.list, system.remove, system.status):
        with pytest.raises(FileSystemError, match="does not exist"):
            request(path)


def test_disks_that_hold_no_file_system() -> None:
    with pytest.raises(FileSystemError, match="too small"):
        make_file_system(MemoryDisk(7))
    with pytest.raises(FileSystemError, match="holds no cms file system"):
        CmsFileSystem(MemoryDisk(7))
    with pytest.raises(FileSystemError, match="holds no cms file system"):
        CmsFileSystem(MemoryDisk(100))
    with pytest.raises(FileSystemError, match="complete image"):
        MemoryDisk(contents=b"x")


def test_an_image_that_is_cut_short() -> None:
    system = fresh()
    contents = system._disk.disk.contents[: 100 * BLOCK_SIZE]  # type: ignore[attr-defined]
    with pytest.raises(FileSystemError, match="cut short"):
        CmsFileSystem(MemoryDisk(contents=bytes(contents)))


@pytest.mark.parametrize(
    "options", [{"label": "seventeen letters"}, {"label": "é"}, {"inodes": 1}, {"inodes": 10**6},
                {"modified": -1}, {"modified": 1 << 32}],
    ids=str,
)  # fmt: skip
def test_parameters_that_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(FileSystemError):
        make_file_system(MemoryDisk(400), **options)  # type: ignore[arg-type]


def test_pack_depends_on_its_arguments_only_and_wastes_nothing() -> None:
    files = {f"f{index}": bytes(index * 1000) for index in range(40)}
    image = pack(files, label="packed", modified=99)
    assert image == pack(dict(reversed(files.items())), label="packed", modified=99)
    system = CmsFileSystem(MemoryDisk(contents=image))
    assert system.free_blocks() == 0
    assert system.check() == ()
    assert {entry.name: system.get(entry.name) for entry in system.list()} == files


def test_check_tells_lost_blocks_and_names() -> None:
    system = fresh()
    system.put("f", bytes(2000))
    system._set_used(300, True)
    system._set_used(system._find("f").pointers[0], False)
    system._change_entry(system._find("/"), "f", 0)
    problems = " / ".join(system.check())
    assert "block 300 is marked used but nothing uses it" in problems
    assert "inode 2 is in use but has no name" in problems


def test_check_tells_shared_blocks() -> None:
    system = fresh()
    system.put("f", bytes(2000))
    system.put("g", bytes(2000))
    pointers = system._find("f").pointers
    system._write_inode(replace(system._find("g"), pointers=pointers))
    assert any("belongs to inodes" in problem for problem in system.check())


def test_check_survives_a_directory_that_contains_itself() -> None:
    system = fresh()
    system.make_directory("d")
    system.put("d/x", b"")
    system._add_entry(system._find("d"), "loop", 1)
    assert any("second name" in problem for problem in system.check())


class Model(FileSystemModel):
    """Random requests to a small disk."""

    def make(self) -> CmsFileSystem:
        return fresh(300, inodes=24)

    def reopen(self, system: FileSystem) -> FileSystem:
        return CmsFileSystem(system._disk.disk)  # type: ignore[attr-defined]


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=15, stateful_step_count=20)


SAMPLE = filled(fresh(500, inodes=24))
LAST_TABLE = 5 * BLOCK_SIZE  # superblock, bitmap, inodes

INTERESTING = st.one_of(
    st.integers(0, 600), st.integers(0, 0xFFFFFFFF), st.sampled_from([0x00010000, 0x00020000])
)
CHANGES = st.lists(
    st.tuples(
        st.one_of(st.integers(0, LAST_TABLE // 4 - 1), st.integers(0, len(SAMPLE) // 4 - 1)),
        INTERESTING,
    ),
    min_size=1,
    max_size=40,
)
"""Words to overwrite: their place (in words), and what with; mostly in the tables."""


@settings(max_examples=60)
@given(CHANGES)
def test_damaged_disks(places: list[tuple[int, int]]) -> None:
    image = damaged(SAMPLE, places)
    try_everything(image)
    mend(image)


def mend(image: bytes) -> None:
    """Whatever is on a disk whose superblock is sound, a repair makes it consistent."""
    try:
        system = CmsFileSystem(MemoryDisk(contents=image))
    except FileSystemError:
        return
    problems = system.check()
    assert bool(system.repair()) == bool(problems)
    assert system.check() == ()
    system.put("new", b"new")
    assert system.get("new") == b"new"


@settings(max_examples=100)
@given(st.binary(min_size=BLOCK_SIZE, max_size=BLOCK_SIZE), st.integers(0, 4))
def test_a_table_full_of_rubbish(rubbish: bytes, block: int) -> None:
    image = bytearray(SAMPLE)
    image[block * BLOCK_SIZE : (block + 1) * BLOCK_SIZE] = rubbish
    try_everything(bytes(image))


def test_damage_to_data_shows_in_the_data_only() -> None:
    image = bytearray(SAMPLE)
    system = CmsFileSystem(MemoryDisk(contents=SAMPLE))
    block = system._find("large").pointers[3]
    image[block * BLOCK_SIZE] ^= 0xFF
    data = CmsFileSystem(MemoryDisk(contents=bytes(image))).get("large")
    good = system.get("large")
    assert [index for index in range(len(good)) if data[index] != good[index]] == [3 * BLOCK_SIZE]
