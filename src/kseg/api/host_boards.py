"""The hardware of a guest on a host: its memory in the host's, its disks perhaps parts of one."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import msgspec

from kseg.boards.system161.board import System161
from kseg.boards.system161.configuration import Configuration
from kseg.devices.disk import Disk
from kseg.errors import ConfigurationError
from kseg.machine.arguments import size_in_bytes
from kseg.machine.disk_image import DiskImage, MemoryDisk
from kseg.machine.disk_partition import PartitionedDisk
from kseg.memory.paged import PagedMemory
from kseg.memory.physical import PhysicalMemory
from kseg.monitor.hypervisor.allocator import NotAdmitted
from kseg.monitor.hypervisor.hypervisor import Hypervisor


def build_board(
    configuration: Configuration,
    hypervisor: Hypervisor,
    disks: Sequence[str | Path],
    partitioned: PartitionedDisk,
    *,
    console: Callable[[bytes], None],
    message: Callable[[str], None],
    epoch: int | None,
) -> System161:
    """A guest's board. The configuration was made with `place_holders(disks)`; `partitioned` is
    what partitions are taken from.

    Raises ConfigurationError when there is no memory for it, DiskImageError when there is no room
    on the disk, and whatever `System161` does; then nothing is left of it.
    """
    made: list[PagedMemory] = []

    def memory(ram_size: int) -> PhysicalMemory:
        made.append(PagedMemory(ram_size, hypervisor.memory))
        try:
            hypervisor.allocator.attach(made[0])
        except NotAdmitted as error:
            raise ConfigurationError(str(error)) from None
        return made[0]

    sizes = {}
    for number, disk in enumerate(disks):
        size = _size_of_partition(disk)
        if size is not None:
            slot, configuration = _with_drive(configuration, number, disk, size)
            sizes[slot] = size
    try:
        board = System161(
            configuration,
            memory=memory,
            console=console,
            message=message,
            epoch=None if epoch is None else lambda: epoch,
        )
    except BaseException:
        for each in made:
            hypervisor.allocator.release(each)
        raise
    try:
        for card in board.bus.cards:
            if card.slot in sizes:
                cast(Disk, card).insert(partitioned.take(sizes[card.slot]))
    except BaseException:
        discard_board(board, hypervisor)
        raise
    return board


def discard_board(board: System161, hypervisor: Hypervisor) -> None:
    """Give back what a board has that never ran."""
    assert isinstance(board.memory, PagedMemory)
    hypervisor.allocator.release(board.memory)
    board.close()


# Disks.


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


def place_holders(disks: Sequence[str | Path]) -> list[str | Path]:
    """What a configuration says of disks, of which those that are sizes are partitions."""
    return [_place(number, disk) for number, disk in enumerate(disks)]


def _place(number: int, disk: str | Path) -> str | Path:
    return disk if _size_of_partition(disk) is None else f"partition {number}"


def _size_of_partition(disk: str | Path) -> int | None:
    """The bytes that a text such as "5M" says; None for the name of a file."""
    if isinstance(disk, Path):
        return None
    try:
        return size_in_bytes(disk)
    except ValueError:
        return None


def _with_drive(
    configuration: Configuration, number: int, disk: str | Path, size: int
) -> tuple[int, Configuration]:
    """A drive into which a partition can be put, and its slot."""
    place = f"disk {_place(number, disk)}"
    slots = [
        msgspec.structs.replace(slot, arguments=[*slot.arguments, "memory", f"size={size}"])
        if slot.place == place
        else slot
        for slot in configuration.slots
    ]
    found = next(slot.slot for slot in slots if slot.place == place)
    return found, msgspec.structs.replace(configuration, slots=slots)
