"""SFS, used by the host: what is put comes back, and no disk breaks the tool."""

from __future__ import annotations

import contextlib
import struct
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kseg.file_systems import copying
from kseg.file_systems.cms.memory_disk import MemoryDisk
from kseg.file_systems.device import DamagedError, FileSystemError
from kseg.file_systems.file_system import FileSystem
from kseg.file_systems.format import BLOCK_SIZE
from kseg.file_systems.recognition import open_file_system
from kseg.file_systems.sfs.file_system import SfsFileSystem
from kseg.file_systems.sfs.formatting import make_sfs
from kseg.file_systems.sfs.layout import NAME_LIMIT, Geometry, freemap_of
from tests.file_systems.damage import damaged, filled, try_everything
from tests.file_systems.file_system_model import FileSystemModel

SMALL_FILES = (15 + 128) * BLOCK_SIZE
"""The largest file where inodes have one indirect block."""


def fresh(sectors: int = 400) -> SfsFileSystem:
    return make_sfs(MemoryDisk(sectors), label="volume:")


def with_journal(sectors: int = 3000, *, second_root: bool = True) -> MemoryDisk:
    """A disk as kernels with a journal have it: their mksfs, in so many words."""
    geometry = Geometry(sectors, second_root, 4 + second_root, 16)
    disk = MemoryDisk(sectors)
    freemap = freemap_of(geometry)
    for index, number in enumerate(geometry.freemap):
        disk.write_sector(number, bytes(freemap[index * 512 : (index + 1) * 512]))
    head = struct.pack(">10I", 0xABADF001, sectors, *struct.unpack(">8I", b"vol".ljust(32, b"\0")))
    disk.write_sector(0, (head + struct.pack(">2I", 4 + second_root, 16)).ljust(512, b"\0"))
    for number in range(1, 2 + second_root):
        disk.write_sector(number, struct.pack(">IHH", 0, 2, 1).ljust(512, b"\0"))
    write_journal(disk, geometry, [(2, 0, 1, 1)])
    return disk


def write_journal(
    disk: MemoryDisk, geometry: Geometry, records: list[tuple[int, int, int, int]]
) -> None:
    """Records of 16 bytes in the journal's first block: type, class, number, contents."""
    data = b"".join(
        struct.pack(">QQ", own << 63 | kind << 56 | 8 << 48 | number, contents)
        for kind, own, number, contents in records
    )
    disk.write_sector(geometry.journal.start, data.ljust(512, b"\0"))


def test_an_empty_file_system() -> None:
    system = fresh()
    assert (system.list(), system.check(), system.label) == ([], (), "volume")
    # The superblock, the root and its block, one block of the freemap.
    assert system.free_blocks() == 400 - 4
    assert isinstance(open_file_system(system._disk.disk), SfsFileSystem)


@pytest.mark.parametrize("size", [0, 1, 512, 15 * 512, 15 * 512 + 1, SMALL_FILES])
def test_files_around_the_pointer_limits(size: int) -> None:
    data = bytes(index * 7 % 251 for index in range(size))
    system = fresh()
    free = system.free_blocks()
    system.put("f", data)
    assert SfsFileSystem(system._disk.disk).get("/f") == data
    assert system.check() == ()
    system.remove("f")
    assert (system.check(), system.free_blocks()) == ((), free)


def test_files_with_deeper_pointers() -> None:
    system = SfsFileSystem(with_journal())
    data = bytes(index % 253 for index in range(SMALL_FILES + 300 * 512 + 3))
    system.put("f", data)
    assert system.get("f") == data
    assert system.check() == ()
    with pytest.raises(FileSystemError, match="more than a file can hold"):
        fresh(2000).put("f", bytes(SMALL_FILES + 1))


def test_holes_are_zeros() -> None:
    system = fresh()
    system.put("f", b"x" * 3000)
    inode = system._find("f")
    system._set_used(inode.pointers[2], False)
    pointers = (*inode.pointers[:2], 0, *inode.pointers[3:])
    system._write_inode(replace(inode, size=3000, pointers=pointers))
    assert system.get("f") == b"x" * 1024 + bytes(512) + b"x" * 1464
    assert system.check() == ()


def test_directories_count_links() -> None:
    system = fresh()
    for path in ("d", "d/e", "f"):
        system.make_directory(path)
    system.put("d/e/x", b"deep")
    assert [system._find(path).links for path in ("/", "d", "d/e")] == [4, 3, 2]
    system.rename("d/e", "f/g")
    assert [system._find(path).links for path in ("/", "d", "f", "f/g")] == [4, 2, 3, 2]
    assert system.get("f/g/x") == b"deep"
    assert system.check() == ()
    with pytest.raises(FileSystemError, match="lies in"):
        system.rename("f", "f/g/f")
    with pytest.raises(FileSystemError, match="not empty"):
        system.remove("f/g")


def test_a_directory_that_contains_itself() -> None:
    """By two names: a walk through all paths would not end."""
    system = fresh()
    system.make_directory("d")
    directory = system._find("d")
    contents = system._contents(directory)
    contents += b"".join(struct.pack(">I60s", directory.number, name) for name in (b"x", b"y"))
    system._replace(directory, contents)
    with pytest.raises(DamagedError, match=r"^/d/x is a directory that has another name, too"):
        list(copying.walk(system, "/"))
    assert len(system.check()) == 2


def test_a_repair_keeps_directories_first() -> None:
    """Files that claim more than the disk has, one after the other, leave no room for more."""
    system = fresh()
    system.make_directory("d")
    system.put("d/kept", b"kept")
    for number in range(4):
        system.put(f"file{number}", b"x" * 17 * BLOCK_SIZE)
        inode = system._find(f"file{number}")
        pointers = [0] * 120 + [inode.pointers[0], 0xFFFFFF]
        system._write(inode.pointers[15], struct.pack(">122I", *pointers))
        holes = (0,) * 15 + inode.pointers[15:]
        system._write_inode(replace(inode, size=SMALL_FILES, pointers=holes))
    directory = system._find("d")
    contents = system._contents(directory) + struct.pack(">I60s", 0xFFFF, b"bad")
    system._write(directory.pointers[0], contents)
    wrong = (*directory.pointers[:14], 0xFFFFFF, 0, 0, 0)
    system._write_inode(replace(directory, size=len(contents), pointers=wrong))
    assert system.repair()
    assert (system.check(), system.get("d/kept")) == ((), b"kept")


def test_a_root_as_mksfs_makes_it() -> None:
    """Without `.` and `..`."""
    system = SfsFileSystem(with_journal(second_root=False))
    assert (system.check(), system.list()) == ((), [])
    system.put("f", b"x")
    system.make_directory("d")
    assert system.check() == ()


def test_a_file_with_two_names() -> None:
    system = fresh()
    system.put("a", b"both")
    inode = system._find("a")
    system._link(inode, 1)
    system._add_entry(system._find("/"), "b", inode.number)
    assert system.check() == ()
    system.remove("a")
    assert (system.get("b"), system.check()) == (b"both", ())


def test_a_journal_that_waits_for_recovery() -> None:
    disk = with_journal()
    system = SfsFileSystem(disk)
    system.put("f", b"x")
    write_journal(disk, system._geometry, [(2, 0, 1, 1), (9, 1, 2, 0)])
    with pytest.raises(FileSystemError, match="may have to be carried out"):
        system.put("g", b"x")
    assert system.get("f") == b"x"
    assert "OS/161 does it when it mounts" in system.check()[0]
    # A checkpoint afterwards: nothing is left to do.
    write_journal(disk, system._geometry, [(2, 0, 1, 1), (9, 1, 2, 0), (2, 0, 3, 3)])
    system.put("g", b"x")
    write_journal(disk, system._geometry, [(2, 0, 1, 1), (9, 1, 2, 0)])
    assert system.repair()
    assert (system.check(), system.get("g")) == ((), b"x")


@pytest.mark.parametrize(
    "name", ["", "a" * (NAME_LIMIT + 1), "a:b", "\n", "é", "..", "."], ids=repr
)
def test_names_that_are_refused(name: str) -> None:
    system = fresh()
    with pytest.raises(FileSystemError):
        system.put(name, b"")
    assert system.list() == []


def test_an_image_that_is_cut_short() -> None:
    contents = fresh()._disk.disk.contents[: 100 * 512]  # type: ignore[attr-defined]
    with pytest.raises(DamagedError, match="cut short"):
        open_file_system(MemoryDisk(contents=bytes(contents)))
    with pytest.raises(FileSystemError, match="too small"):
        make_sfs(MemoryDisk(7))
    with pytest.raises(FileSystemError, match="label"):
        make_sfs(MemoryDisk(400), label="a/b")


def test_a_large_disk_that_was_full_for_a_moment_is_used_again() -> None:
    system = fresh(9000)

    def fill() -> None:
        with system.together():
            for number in range(100):
                system.put(f"f{number}", bytes(SMALL_FILES))

    with pytest.raises(FileSystemError, match="full"):
        fill()
    system.put("f", b"f")
    assert system.check() == ()


class Model(FileSystemModel):
    """Random requests to a small disk."""

    def make(self) -> FileSystem:
        return fresh(300)

    def reopen(self, system: FileSystem) -> FileSystem:
        return SfsFileSystem(system._disk.disk)  # type: ignore[attr-defined]


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=15, stateful_step_count=20)


SAMPLE = filled(SfsFileSystem(with_journal(700)))
INTERESTING = st.one_of(
    st.integers(0, 700), st.integers(0, 0xFFFFFFFF), st.sampled_from([0x00010001, 0x00020002])
)
CHANGES = st.lists(
    st.tuples(
        st.one_of(
            st.integers(0, 25 * 128),
            st.integers(0, len(SAMPLE) // 4 - 1),
            st.builds(
                lambda block, word: block * 128 + word, st.integers(1, 699), st.integers(0, 20)
            ),
        ),
        INTERESTING,
    ),
    min_size=1,
    max_size=40,
)
"""Words to overwrite: their place (in words), and what with; mostly in the tables and inodes."""


@settings(max_examples=60)
@given(CHANGES)
def test_damaged_disks(places: list[tuple[int, int]]) -> None:
    image = damaged(SAMPLE, places)
    try_everything(image)
    mend(image)


def mend(image: bytes) -> None:
    """Whatever is on a disk whose superblock, journal and root are sound, a repair makes it
    consistent."""
    disk = MemoryDisk(contents=image)
    try:
        system = open_file_system(disk)
        problems = system.check()
        repaired = system.repair()
    except FileSystemError as error:
        text = str(error)
        assert not text.startswith("not everything"), text
        assert disk.contents == image
        return
    assert repaired == problems
    assert system.check() == ()
    with contextlib.suppress(FileSystemError):
        system.put("new", b"new")
        assert system.get("new") == b"new"
    assert system.check() == ()
