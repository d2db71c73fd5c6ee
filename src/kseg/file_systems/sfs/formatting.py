"""An empty SFS on a disk, as OS/161's mksfs makes it."""

from __future__ import annotations

from ..device import FileSystemError, SectorDevice
from ..format import BLOCK_SIZE, DIRECTORY, ROOT_INODE
from .file_system import SfsFileSystem
from .layout import (
    DIRECT_BLOCKS,
    ENTRY,
    FEWEST_BLOCKS,
    INODE,
    LABEL_LIMIT,
    LEVELS,
    MAGIC,
    SUPERBLOCK,
    SUPERBLOCK_NUMBER,
    Geometry,
    freemap_of,
)


def make_sfs(disk: SectorDevice, *, label: str = "") -> SfsFileSystem:
    """Write an empty SFS on the whole of `disk` and open it.

    What the disk held before is lost. It is the variant without a journal, which every kernel of
    the stock OS/161 reads; its root directory has the entries `.` and `..`, as sfsck wants it.
    Raises FileSystemError if the disk is too small, or the label is none.
    """
    if disk.sectors < FEWEST_BLOCKS:
        raise FileSystemError(
            f"a disk of {disk.sectors} sectors is too small; make it at least {FEWEST_BLOCKS}"
        )
    label = label.removesuffix(":")
    if len(label) > LABEL_LIMIT or any(not " " <= c <= "~" or c in "/:" for c in label):
        raise FileSystemError(
            f"label {label!r}: give at most {LABEL_LIMIT} ASCII characters other than '/' and ':'"
        )
    geometry = Geometry(disk.sectors)
    freemap = freemap_of(geometry)
    data = geometry.freemap.stop
    freemap[data // 8] |= 1 << data % 8
    for index, number in enumerate(geometry.freemap):
        disk.write_sector(number, bytes(freemap[index * BLOCK_SIZE : (index + 1) * BLOCK_SIZE]))
    entries = ENTRY.pack(ROOT_INODE, b".") + ENTRY.pack(ROOT_INODE, b"..")
    disk.write_sector(data, entries.ljust(BLOCK_SIZE, b"\0"))
    pointers = (data, *(0,) * (DIRECT_BLOCKS + LEVELS - 1))
    root = INODE.pack(len(entries), DIRECTORY, 2, *pointers)
    disk.write_sector(ROOT_INODE, root.ljust(BLOCK_SIZE, b"\0"))
    superblock = SUPERBLOCK.pack(MAGIC, geometry.blocks, label.encode("ascii"), 0, 0)
    disk.write_sector(SUPERBLOCK_NUMBER, superblock.ljust(BLOCK_SIZE, b"\0"))
    return SfsFileSystem(disk)
