"""The disks of a host's guests, of which some may be parts of the host's."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import msgspec

from kseg.api.assembly import Assembly, Source
from kseg.boards.system161.configuration import Configuration, SlotConfiguration
from kseg.devices.disk import Disk
from kseg.machine.arguments import size_in_bytes
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
    """Those of a guest's disks that are sizes: partitions of the host's."""

    def __init__(self, disks: Sequence[str | Path], whole: PartitionedDisk) -> None:
        """`disks` are what the user says, files and sizes; partitions are taken from `whole`."""
        self._whole = whole
        self._sizes = {
            f"partition {number}": size
            for number, disk in enumerate(disks)
            if (size := _size_of_partition(disk)) is not None
        }
        self._slots: dict[int, int] = {}
        self.place_holders: list[str | Path] = [
            disk if _size_of_partition(disk) is None else f"partition {number}"
            for number, disk in enumerate(disks)
        ]
        """What a configuration is to say of the disks, until `configured` knows the drives."""

    def configured(self, configuration: Configuration) -> Configuration:
        """The same with drives into which partitions can be put."""
        slots = [self._drive(slot) for slot in configuration.slots]
        return msgspec.structs.replace(configuration, slots=slots)

    def _drive(self, slot: SlotConfiguration) -> SlotConfiguration:
        size = self._sizes.get(slot.place.removeprefix("disk "))
        if size is None:
            return slot
        self._slots[slot.slot] = size
        words = [word for word in slot.arguments if not word.startswith("file=")]
        words += ["memory", f"size={size}"]
        return msgspec.structs.replace(slot, arguments=words)

    def before(self, source: Source) -> Source:
        """The same beginning, with the partitions in their drives. DiskImageError when there is no
        room for them."""

        def enter(made: Assembly) -> None:
            for card in made.board.bus.cards:
                if card.slot in self._slots:
                    cast(Disk, card).insert(self._whole.take(self._slots[card.slot]))
            source.enter(made)

        return replace(source, enter=enter)


def _size_of_partition(disk: str | Path) -> int | None:
    """The bytes that a text such as "5M" says; None for the name of a file."""
    if isinstance(disk, Path):
        return None
    try:
        return size_in_bytes(disk)
    except ValueError:
        return None
