"""A new disk, as the makers of file systems see it."""

from kseg.machine.disk_image import Disk


class NewSectors:
    """The sectors of a disk that is zero wherever nothing was written."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    @property
    def sectors(self) -> int:
        return self._disk.sectors

    def read_sector(self, number: int) -> bytes:
        return self._disk.read(number)

    def write_sector(self, number: int, data: bytes) -> None:
        # What is written is kept, with a snapshot, too: only what differs from a new disk.
        if any(data):
            self._disk.write(number, data)
