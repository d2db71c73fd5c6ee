"""The file system of cms: its superblock, its inodes, which lie in tables, and names."""

from __future__ import annotations

from ..device import DamagedError, FileSystemError, SectorDevice
from ..file_system import FileSystem
from ..files import Inode
from ..format import BLOCK_SIZE, DIRECTORY, FILE, ROOT_INODE
from .formatting import format_disk
from .layout import (
    DIRECT_BLOCKS,
    ENTRY,
    FREE,
    INODE,
    INODE_SIZE,
    INODES_PER_BLOCK,
    LEVELS,
    MAGIC,
    MAXIMUM_BLOCKS,
    MAXIMUM_FILE_SIZE,
    MINIMUM_BLOCKS,
    NAME_LIMIT,
    SUPERBLOCK,
    VERSION,
    Geometry,
)


def make_file_system(
    disk: SectorDevice, *, label: str = "", inodes: int | None = None, modified: int = 0
) -> CmsFileSystem:
    """Write an empty file system on `disk` and open it: see `format_disk`."""
    format_disk(disk, label=label, inodes=inodes, modified=modified)
    return CmsFileSystem(disk)


class CmsFileSystem(FileSystem):
    """The file system on a disk whose superblock has been checked."""

    name = "cms"
    direct_blocks, levels, has_holes = DIRECT_BLOCKS, LEVELS, False
    most_file_blocks = MAXIMUM_FILE_SIZE // BLOCK_SIZE
    entry, name_limit, first_character, dots = ENTRY, NAME_LIMIT, "!", ()

    def __init__(self, disk: SectorDevice) -> None:
        """Open the file system on `disk`, after checking its superblock."""
        if disk.sectors < MINIMUM_BLOCKS:
            raise FileSystemError(
                f"a disk of {disk.sectors} sectors holds no cms file system; "
                f"it needs at least {MINIMUM_BLOCKS}"
            )
        block = disk.read_sector(0)
        (
            magic, version, block_size, blocks, _bitmap_start, _bitmap_blocks,
            _inode_start, inode_blocks, _data_start, _root, label,
        ) = SUPERBLOCK.unpack_from(block)  # fmt: skip
        if magic != MAGIC:
            raise FileSystemError(
                "this disk holds no cms file system; make one with `format` in cms, "
                "or with `kseg disk create --format`"
            )
        if version != VERSION or block_size != BLOCK_SIZE:
            raise FileSystemError(
                f"file system version {version} with {block_size}-byte blocks is unknown; "
                f"this kseg reads version {VERSION} with {BLOCK_SIZE}-byte blocks"
            )
        if not MINIMUM_BLOCKS <= blocks <= min(disk.sectors, MAXIMUM_BLOCKS):
            raise DamagedError(
                f"the superblock speaks of {blocks} blocks, the disk has {disk.sectors}; "
                "the image is cut short or damaged, restore it"
            )
        self._geometry = geometry = Geometry(blocks, inode_blocks)
        if (
            not 1 <= inode_blocks < blocks
            or geometry.data_start >= blocks
            or block != geometry.superblock(label)
        ):
            raise DamagedError("the superblock is damaged; restore the image or format it anew")
        bitmap = range(1, geometry.inode_start)
        super().__init__(
            disk, blocks, bitmap, label.rstrip(b"\0").decode("ascii", "backslashreplace")
        )

    def check(self) -> tuple[str, ...]:
        from .check import CmsCheck

        return CmsCheck(self).run()

    def repair(self) -> tuple[str, ...]:
        from .repair import CmsRepair

        with self.together():
            return CmsRepair(self).run()

    def _is_for_files(self, number: int) -> bool:
        return self._geometry.data_start <= number < self._geometry.blocks

    @staticmethod
    def _name_of(stored: bytes) -> str:
        return stored.rstrip(b"\0").decode("latin-1")

    def _is_possible_name(self, name: str) -> bool:
        try:
            self._stored_name(name)
        except FileSystemError:
            return False
        return True

    # Inodes.

    def _inode_place(self, number: int) -> tuple[int, int]:
        if not ROOT_INODE <= number < self._geometry.inodes:
            raise DamagedError(
                f"inode number {number} does not exist (there are {self._geometry.inodes}); "
                "the file system is damaged, restore the image"
            )
        block, index = divmod(number, INODES_PER_BLOCK)
        return self._geometry.inode_start + block, index * INODE_SIZE

    def _read_inode(self, number: int) -> Inode:
        block, offset = self._inode_place(number)
        kind, _, size, modified, *pointers = INODE.unpack_from(self._read(block), offset)
        if kind not in (FILE, DIRECTORY) or size > MAXIMUM_FILE_SIZE:
            raise DamagedError(
                f"inode {number} has type {kind} and {size} bytes, which no file has; "
                "the file system is damaged, restore the image"
            )
        if kind == DIRECTORY and (size % ENTRY.size or size > ENTRY.size * self._geometry.inodes):
            raise DamagedError(
                f"directory inode {number} has {size} bytes, which no directory has; "
                "the file system is damaged, restore the image"
            )
        return Inode(number, kind, size, tuple(pointers), modified=modified)

    def _write_inode(self, inode: Inode) -> None:
        pointers = inode.pointers or (0,) * (DIRECT_BLOCKS + LEVELS)
        stored = INODE.pack(inode.kind, 0, inode.size, inode.modified or 0, *pointers)
        self._store_inode(*self._inode_place(inode.number), stored)

    def _store_inode(self, block: int, offset: int, stored: bytes) -> None:
        data = bytearray(self._read(block))
        data[offset : offset + INODE_SIZE] = stored
        self._write(block, bytes(data))

    def _new_inode(self, kind: int) -> Inode:
        for block in range(self._geometry.inode_blocks):
            data = self._read(self._geometry.inode_start + block)
            for index in range(INODES_PER_BLOCK):
                number = block * INODES_PER_BLOCK + index
                free = data[index * INODE_SIZE : index * INODE_SIZE + 2] == b"\0\0"
                if free and number > ROOT_INODE:
                    return Inode(number, kind)
        raise FileSystemError("no inode is left; remove files, or format with more inodes")

    def _free_inode(self, number: int) -> None:
        self._write_inode(Inode(number, FREE))
