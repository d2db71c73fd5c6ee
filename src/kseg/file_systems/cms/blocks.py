"""Blocks by number, and which of them are in use."""

from __future__ import annotations

from ..device import Changes, DamagedError, FileSystemError, SectorDevice
from .inode import Inode
from .layout import (
    BITS_PER_BLOCK,
    BLOCK_SIZE,
    MAGIC,
    MAXIMUM_BLOCKS,
    MINIMUM_BLOCKS,
    SUPERBLOCK,
    VERSION,
    Geometry,
)


class Blocks:
    """The blocks of the file system on a disk whose superblock has been checked."""

    def __init__(self, disk: SectorDevice) -> None:
        """Open the file system on `disk`, after checking its superblock."""
        self._disk = Changes(disk)
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
        self._geometry = Geometry(blocks, inode_blocks)
        if (
            not 1 <= inode_blocks < blocks
            or self._geometry.data_start >= blocks
            or block != self._geometry.superblock(label)
        ):
            raise DamagedError("the superblock is damaged; restore the image or format it anew")
        self._next_block = self._geometry.data_start
        self.label = label.rstrip(b"\0").decode("ascii", "backslashreplace")
        """The file system's name."""

    @property
    def block_count(self) -> int:
        """Blocks of 512 bytes in the file system, tables included."""
        return self._geometry.blocks

    def free_blocks(self) -> int:
        """Blocks of 512 bytes that nothing uses."""
        used = sum(
            int.from_bytes(self._read(1 + index), "little").bit_count()
            for index in range(self._geometry.bitmap_blocks)
        )
        return self._geometry.bitmap_blocks * BITS_PER_BLOCK - used

    def _read(self, number: int) -> bytes:
        data = self._disk.read_sector(number)
        if len(data) != BLOCK_SIZE:
            raise DamagedError(f"sector {number} cannot be read; the image is cut short")
        return data

    def _check_data_block(self, number: int, inode: Inode) -> None:
        if not self._geometry.data_start <= number < self._geometry.blocks:
            raise DamagedError(
                f"inode {inode.number} refers to block {number}, which is outside the data area "
                f"({self._geometry.data_start} to {self._geometry.blocks - 1}); "
                "the file system is damaged, restore the image"
            )

    def _set_used(self, number: int, used: bool) -> None:
        index, bit = divmod(number, BITS_PER_BLOCK)
        bitmap = bytearray(self._read(1 + index))
        mask = 1 << bit % 8
        if used:
            bitmap[bit // 8] |= mask
        else:
            bitmap[bit // 8] &= ~mask
        self._disk.write_sector(1 + index, bytes(bitmap))

    def _allocate(self) -> int:
        """Take a free block; the search goes on where the last one ended."""
        geometry = self._geometry
        for turn in range(geometry.bitmap_blocks + 1):
            index = (self._next_block // BITS_PER_BLOCK + turn) % geometry.bitmap_blocks
            free = ~int.from_bytes(self._read(1 + index), "little") & ((1 << BITS_PER_BLOCK) - 1)
            if turn == 0:
                start = self._next_block % BITS_PER_BLOCK
                free = free >> start << start
            if free:
                number = index * BITS_PER_BLOCK + (free & -free).bit_length() - 1
                if not geometry.data_start <= number < geometry.blocks:
                    raise DamagedError(
                        f"the bitmap calls block {number} free, which is no data block; "
                        "the file system is damaged, restore the image"
                    )
                self._set_used(number, True)
                self._next_block = number
                return number
        raise FileSystemError("the disk is full; remove files or use a larger disk")
