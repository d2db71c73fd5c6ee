"""Partitions: parts of one disk that several machines use as disks of their own.

What VM/370 calls minidisks. No guest finds out what lies outside a partition, or that there is any.
"""

from kseg.errors import DiskImageError
from kseg.machine.disk_image import SECTOR_SIZE, Disk, DiskContents, MemoryDisk, check_contents


class DiskPartition:
    """Some consecutive sectors of a disk, numbered from 0. The disk's owner closes it."""

    def __init__(self, disk: Disk, first: int, sectors: int) -> None:
        """ValueError unless the sectors from `first` on are on the disk."""
        if first < 0 or sectors < 0 or first + sectors > disk.sectors:
            raise ValueError(
                f"sectors {first} to {first + sectors - 1} of a disk with {disk.sectors}"
            )
        self.first = first
        """The number, on the disk, of sector 0."""
        self.sectors = sectors
        self._disk = disk

    def read(self, sector: int) -> bytes:
        """One sector; ValueError if there is none of that number."""
        return self._disk.read(self._place(sector))

    def write(self, sector: int, data: bytes) -> None:
        """Replace one sector; ValueError if there is none of that number, or for other lengths."""
        if len(data) != SECTOR_SIZE:
            raise ValueError(f"a sector has {SECTOR_SIZE} bytes, not {len(data)}")
        self._disk.write(self._place(sector), data)

    def close(self) -> None:
        """The disk stays open for the others."""

    def save(self) -> DiskContents:
        """All that is on it: who gets the guest's state has not the disk that this is part of."""
        sectors = ((number, self.read(number)) for number in range(self.sectors))
        return DiskContents(self.sectors, {number: data for number, data in sectors if any(data)})

    def load(self, contents: DiskContents) -> None:
        """Have this on it, and zeros besides; StateError when it does not fit."""
        check_contents(contents, self.sectors)
        for sector in range(self.sectors):
            data = contents.written.get(sector, bytes(SECTOR_SIZE))
            if self.read(sector) != data:
                self.write(sector, data)

    def copy(self) -> MemoryDisk:
        """Sector by sector: it is not known when a neighbour's disk file is written."""
        copied = MemoryDisk(self.sectors)
        copied.load(self.save())
        return copied

    def _place(self, sector: int) -> int:
        # Checked here, and not only by the disk, to which the neighbours' sectors are all right.
        if not 0 <= sector < self.sectors:
            raise ValueError(f"sector {sector} of a partition with {self.sectors}")
        return self.first + sector


class PartitionedDisk:
    """A disk, or several, given out in partitions from the beginning on.

    The same sizes asked for in the same order are the same partitions in every run.
    """

    def __init__(self, disks: list[Disk]) -> None:
        self._disks = disks
        self._used = [0] * len(disks)

    def take(self, size: int) -> DiskPartition:
        """The next free partition of `size` bytes; DiskImageError when there is none, or for a
        size that is not a number of sectors."""
        sectors, remainder = divmod(size, SECTOR_SIZE)
        if remainder or sectors < 1:
            raise DiskImageError(f"a partition of {size} bytes: not a multiple of {SECTOR_SIZE}")
        for number, disk in enumerate(self._disks):
            first = self._used[number]
            if first + sectors <= disk.sectors:
                self._used[number] = first + sectors
                return DiskPartition(disk, first, sectors)
        if not self._disks:
            raise DiskImageError(
                f"a partition of {size} bytes: the machine has no disk; name an image with --disk"
            )
        free = [disk.sectors - used for disk, used in zip(self._disks, self._used, strict=True)]
        raise DiskImageError(
            f"a partition of {size} bytes: {max(free) * SECTOR_SIZE} are free in one piece;"
            " give a larger disk image"
        )

    def close(self) -> None:
        """Close the disks: no partition is used any more."""
        for disk in self._disks:
            disk.close()
