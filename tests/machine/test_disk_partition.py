"""Partitions of a disk: what lies outside one is out of reach."""

import pytest

from kseg.errors import DiskImageError, StateError
from kseg.machine.disk_image import SECTOR_SIZE, DiskContents, DiskImage, MemoryDisk, create
from kseg.machine.disk_partition import DiskPartition, PartitionedDisk


def sector(fill: int) -> bytes:
    return bytes([fill]) * SECTOR_SIZE


@pytest.fixture
def disk():
    disk = MemoryDisk(100)
    for number in range(100):
        disk.write(number, sector(number))
    return disk


class TestPartition:
    def test_its_sectors_are_the_disks(self, disk):
        partition = DiskPartition(disk, 10, 20)
        assert partition.sectors == 20
        assert partition.read(0) == sector(10)
        assert partition.read(19) == sector(29)
        partition.write(3, sector(0xAA))
        assert disk.read(13) == sector(0xAA)

    @pytest.mark.parametrize("number", [-1, -10, 20, 21, 90, 1 << 32])
    def test_nothing_outside_is_reached(self, disk, number):
        partition = DiskPartition(disk, 10, 20)
        before = [disk.read(each) for each in range(100)]
        with pytest.raises(ValueError, match="of a partition with 20"):
            partition.read(number)
        with pytest.raises(ValueError, match="of a partition with 20"):
            partition.write(number, sector(0xAA))
        assert [disk.read(each) for each in range(100)] == before

    @pytest.mark.parametrize(("first", "sectors"), [(-1, 5), (90, 11), (0, 101), (101, 0), (5, -1)])
    def test_it_lies_on_the_disk(self, disk, first, sectors):
        with pytest.raises(ValueError, match="of a disk with 100"):
            DiskPartition(disk, first, sectors)

    @pytest.mark.parametrize("length", [0, SECTOR_SIZE - 1, SECTOR_SIZE + 1, 2 * SECTOR_SIZE])
    def test_a_sector_has_its_length(self, disk, length):
        with pytest.raises(ValueError, match="a sector has 512 bytes"):
            DiskPartition(disk, 10, 20).write(0, bytes(length))

    def test_saving_and_loading(self, disk):
        partition = DiskPartition(disk, 10, 20)
        partition.write(5, sector(0))
        assert partition.save() == DiskContents(
            20, {number: sector(10 + number) for number in range(20) if number != 5}
        )
        partition.load(DiskContents(20, {1: sector(0xBB)}))
        assert (disk.read(11), disk.read(12), disk.read(9)) == (sector(0xBB), sector(0), sector(9))
        assert partition.save() == partition.copy().save() == DiskContents(20, {1: sector(0xBB)})
        for contents in (DiskContents(21, {}), DiskContents(20, {20: sector(1)})):
            with pytest.raises(StateError):
                partition.load(contents)
        assert disk.read(30) == sector(30)

    def test_closing_one_leaves_the_others(self, tmp_path):
        create(tmp_path / "image", 1 << 20)
        with DiskImage(tmp_path / "image") as image:
            one, other = DiskPartition(image, 0, 10), DiskPartition(image, 10, 10)
            one.close()
            other.write(0, sector(7))
            assert other.read(0) == sector(7)


class TestGivingOut:
    def test_one_after_the_other(self, disk):
        disks = PartitionedDisk([disk, MemoryDisk(50)])
        first, second = disks.take(60 * SECTOR_SIZE), disks.take(45 * SECTOR_SIZE)
        third = disks.take(40 * SECTOR_SIZE)
        assert (first.first, second.first, third.first) == (0, 0, 60)
        assert second.read(0) == sector(0)
        assert third.read(0) == sector(60)

    def test_there_is_no_more(self, disk):
        disks = PartitionedDisk([disk])
        disks.take(99 * SECTOR_SIZE)
        with pytest.raises(DiskImageError, match="512 are free in one piece"):
            disks.take(2 * SECTOR_SIZE)
        disks.take(SECTOR_SIZE)

    def test_there_is_none(self):
        with pytest.raises(DiskImageError, match="the machine has no disk"):
            PartitionedDisk([]).take(512)

    @pytest.mark.parametrize("size", [0, 511, 513])
    def test_sizes_are_sectors(self, disk, size):
        with pytest.raises(DiskImageError, match="not a multiple"):
            PartitionedDisk([disk]).take(size)
