import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kseg.errors import DiskImageError, StateError
from kseg.machine import disk_image
from kseg.machine.disk_image import HEADER, DiskContents, DiskImage, MemoryDisk

SIZE = 128 * 512


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "disk.img"
    disk_image.create(path, SIZE)
    return path


def test_a_new_image_is_sparse_zeros_behind_a_header(path: Path) -> None:
    assert path.stat().st_size == SIZE + 512
    assert path.read_bytes()[:512] == HEADER == b"System/161 Disk Image" + bytes(491)
    with DiskImage(path) as disk:
        assert disk.sectors == 128
        assert disk.read(127) == bytes(512)
        disk.write(5, b"x" * 512)
    assert path.read_bytes()[6 * 512 : 7 * 512] == b"x" * 512


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 127), st.binary(min_size=512, max_size=512)), max_size=8))
def test_every_disk_remembers_the_same(writes: list[tuple[int, bytes]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "d"
        disk_image.create(path, SIZE)
        with DiskImage(path, paranoid=True) as image:
            overlay, memory = MemoryDisk(base=image), MemoryDisk(128)
            for sector, data in writes:
                for disk in (overlay, memory):
                    disk.write(sector, data)
            assert all(image.read(sector) == bytes(512) for sector, _ in writes)
            other = MemoryDisk(128)
            other.load(memory.save())
            image.load(memory.save())
            for sector in range(128):
                data = memory.read(sector)
                assert data == overlay.read(sector) == other.read(sector) == image.read(sector)


def test_one_machine_at_a_time(path: Path) -> None:
    with DiskImage(path), pytest.raises(DiskImageError, match="in use by another machine"):
        DiskImage(path)
    with DiskImage(path), pytest.raises(DiskImageError, match="in use by another machine"):
        disk_image.create(path, SIZE, force=True)
    with DiskImage(path, writable=False), DiskImage(path, writable=False):
        pass


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DiskImageError, match=r"No such file.*kseg disk create"):
        DiskImage(tmp_path / "missing")
    for content in (b"", b"System/161 Disk", b"x" * 1024, HEADER[:100]):
        (tmp_path / "bad").write_bytes(content)
        with pytest.raises(DiskImageError, match=r"not a System/161 disk image|shorter"):
            DiskImage(tmp_path / "bad")
    with pytest.raises(DiskImageError):
        DiskImage(tmp_path)


def test_the_rest_of_a_cut_image_reads_as_zeros(path: Path) -> None:
    with DiskImage(path) as disk:
        disk.write(10, b"y" * 512)
        os.truncate(path, 11 * 512 + 100)
        assert disk.read(10) == b"y" * 100 + bytes(412)
        assert disk.read(20) == bytes(512)


def test_more_than_four_gigabytes_are_not_used(tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(HEADER)
    os.truncate(path, (5 << 30) + 512)
    with DiskImage(path) as disk:
        assert (disk.sectors, disk.oversized) == (1 << 23, True)


@pytest.mark.parametrize("size", [0, 512, 127 * 512, SIZE + 1, 4 << 30, -512])
def test_impossible_sizes(tmp_path: Path, size: int) -> None:
    with pytest.raises(DiskImageError, match="a disk of"):
        disk_image.create(tmp_path / "d", size)


def test_creating_does_not_destroy(path: Path) -> None:
    with DiskImage(path) as disk:
        disk.write(0, b"z" * 512)
    with pytest.raises(DiskImageError, match="exists"):
        disk_image.create(path, SIZE)
    disk_image.create(path, SIZE, force=True)
    with DiskImage(path) as disk:
        assert disk.read(0) == bytes(512)


def test_resizing_keeps_what_fits(path: Path) -> None:
    with DiskImage(path) as disk:
        disk.write(127, b"z" * 512)
    disk_image.resize(path, 2 * SIZE)
    with DiskImage(path) as disk:
        assert disk.sectors == 256
        assert disk.read(127) == b"z" * 512
        assert disk.read(255) == bytes(512)


def test_sectors_are_checked(path: Path) -> None:
    with DiskImage(path) as image:
        for disk in (image, MemoryDisk(128)):
            for sector in (-1, 128):
                with pytest.raises(ValueError, match="of a disk with 128"):
                    disk.read(sector)
                with pytest.raises(ValueError, match="of a disk with 128"):
                    disk.write(sector, bytes(512))
            with pytest.raises(ValueError, match="512 bytes"):
                disk.write(0, b"short")


@pytest.mark.parametrize(
    "contents",
    [
        DiskContents(127, {}),
        DiskContents(128, {128: bytes(512)}),
        DiskContents(128, {0: b"short"}),
    ],
)
def test_saved_contents_must_fit(contents: DiskContents) -> None:
    with pytest.raises(StateError):
        MemoryDisk(128).load(contents)
