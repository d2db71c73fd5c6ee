"""An empty file system on a disk. All that a start of cms needs: nothing else is imported."""

from __future__ import annotations

from ..device import FileSystemError, SectorDevice, check_time
from ..format import BLOCK_SIZE, DIRECTORY, ROOT_INODE
from .layout import (
    DIRECT_BLOCKS,
    INODE,
    INODE_SIZE,
    INODES_PER_BLOCK,
    LEVELS,
    MAXIMUM_BLOCKS,
    MINIMUM_BLOCKS,
    Geometry,
)


def format_disk(
    disk: SectorDevice, *, label: str = "", inodes: int | None = None, modified: int = 0
) -> None:
    """Write an empty file system on the whole of `disk`.

    What the disk held before is lost. `label` is at most 16 ASCII characters.
    `inodes` is the number of files and directories that fit (default: one for
    every 16 blocks). `modified` is the root directory's time, in seconds since
    1970. Raises FileSystemError if the disk is too small, or a parameter is out
    of range.
    """
    blocks = min(disk.sectors, MAXIMUM_BLOCKS)
    if blocks < MINIMUM_BLOCKS:
        raise FileSystemError(
            f"a disk of {disk.sectors} sectors is too small; make it at least {MINIMUM_BLOCKS}"
        )
    try:
        stored_label = label.encode("ascii").ljust(16, b"\0")
    except UnicodeEncodeError:
        raise FileSystemError(f"label {label!r} is not ASCII; choose another") from None
    if len(stored_label) > 16:
        raise FileSystemError(f"label {label!r} is longer than 16 characters; shorten it")
    check_time(modified)
    wanted = max(blocks // 16, INODES_PER_BLOCK) if inodes is None else inodes
    geometry = Geometry(blocks, -(-wanted // INODES_PER_BLOCK))
    if wanted < 2 or geometry.data_start >= blocks:
        raise FileSystemError(
            f"{wanted} inodes do not fit a disk of {blocks} blocks; "
            "ask for at least 2 and leave room for data"
        )
    bitmap = bytes(geometry.bitmap)
    for index in range(geometry.bitmap_blocks):
        disk.write_sector(1 + index, bitmap[index * BLOCK_SIZE : (index + 1) * BLOCK_SIZE])
    for number in range(geometry.inode_start, geometry.data_start):
        disk.write_sector(number, bytes(BLOCK_SIZE))
    disk.write_sector(0, geometry.superblock(stored_label))
    root = bytearray(BLOCK_SIZE)
    none = (0,) * (DIRECT_BLOCKS + LEVELS)
    INODE.pack_into(root, ROOT_INODE * INODE_SIZE, DIRECTORY, 0, 0, modified, *none)
    disk.write_sector(geometry.inode_start, bytes(root))
