"""The disks of a host's guests, of which some may be parts of the host's."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from msgspec.structs import replace

from kseg.api.assembly import Assembly, Source
from kseg.devices.disk import Disk
from kseg.machine.arguments import size_in_bytes
from kseg.machine.configuration import Configuration, DiskSize
from kseg.machine.disk_image import DiskImage, MemoryDisk
from kseg.machine.disk_partition import PartitionedDisk


def open_disks(paths: Sequence[str | Path], *, overlay: bool = False) -> PartitionedDisk:
    """Open disk images to be given out in partitions; DiskImageError when one cannot be. With
    `overlay`, what is written to them stays in memory."""
    images: list[DiskImage] = []
    try:
        images.extend(DiskImage(path, writable=not overlay) for path in paths)
    except BaseException:
        for image in images:
            image.close()
        raise
    if overlay:
        return PartitionedDisk([MemoryDisk(base=image) for image in images])
    return PartitionedDisk(list(images))


class Partitions:
    """Those of a guest's disks that are sizes, such as "5M": partitions of the host's."""

    def __init__(self, disks: Sequence[str | Path | DiskSize], whole: PartitionedDisk) -> None:
        """`disks` are what the user says, files and sizes; partitions are taken from `whole`."""
        self._whole = whole
        self.disks: list[str | Path | DiskSize] = [
            disk if (size := _size_of_partition(disk)) is None else DiskSize(size) for disk in disks
        ]
        """The same, sizes in bytes: a configuration has disks in memory for them."""

    def before(self, source: Source, configuration: Configuration) -> Source:
        """The same beginning, with the partitions in the drives that a configuration has for them.
        DiskImageError when there is no room for them."""
        slots = {drive.given: drive.slot for drive in configuration.drives}
        sizes = {slots[n]: disk for n, disk in enumerate(self.disks) if isinstance(disk, DiskSize)}

        def enter(made: Assembly) -> None:
            for card in made.board.cards:
                if card.slot in sizes:
                    cast(Disk, card).insert(self._whole.take(sizes[card.slot]))
            source.enter(made)

        return replace(source, enter=enter)


def _size_of_partition(disk: str | Path | DiskSize) -> int | None:
    """The bytes that a text such as "5M" says; None for the name of a file."""
    if not isinstance(disk, str):
        return None
    try:
        return size_in_bytes(disk)
    except ValueError:
        return None
