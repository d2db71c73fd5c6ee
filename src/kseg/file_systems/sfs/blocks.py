"""Blocks by number, and which of them are in use."""

from __future__ import annotations

from ..device import Changes, DamagedError, FileSystemError, SectorDevice
from .layout import (
    BITS_PER_BLOCK,
    BLOCK_SIZE,
    DIRECTORY,
    FEWEST_BLOCKS,
    INODE,
    MAGIC,
    ROOT_INODE,
    SUPERBLOCK,
    SUPERBLOCK_NUMBER,
    Geometry,
)

EVERYTHING = (1 << BITS_PER_BLOCK) - 1


class Blocks:
    """The blocks of the file system on a disk whose superblock has been checked."""

    def __init__(self, disk: SectorDevice) -> None:
        """Open the file system on `disk`, after checking its superblock."""
        self._disk = Changes(disk)
        block = disk.read_sector(SUPERBLOCK_NUMBER)
        magic, blocks, label, journal_start, journal_blocks = SUPERBLOCK.unpack_from(block)
        if magic != MAGIC:
            raise FileSystemError(
                "this disk holds no SFS; make one with mksfs in OS/161,"
                " or with `kseg disk create --sfs`"
            )
        if not FEWEST_BLOCKS <= blocks <= disk.sectors:
            raise DamagedError(
                f"the superblock speaks of {blocks} blocks, the disk has {disk.sectors}; "
                "the image is cut short or damaged, restore it"
            )
        self.label = label.partition(b"\0")[0].decode("ascii", "backslashreplace")
        """The volume's name."""
        second_root = _has_second_root(disk)
        self._geometry = geometry = Geometry(blocks, second_root, journal_start, journal_blocks)
        if geometry.freemap.stop > blocks:
            raise DamagedError("the superblock is damaged; restore the image or format it anew")
        journal = geometry.journal
        if journal and not geometry.freemap.stop <= journal.start < journal.stop <= blocks:
            raise DamagedError(
                f"the journal is said to be in blocks {journal.start} to {journal.stop - 1}; "
                "the superblock is damaged, restore the image"
            )
        self._next_block = 0

    @property
    def block_count(self) -> int:
        """Blocks of 512 bytes in the file system, tables included."""
        return self._geometry.blocks

    def free_blocks(self) -> int:
        """Blocks of 512 bytes that nothing uses."""
        used = sum(int.from_bytes(self._read(n), "little").bit_count() for n in self._freemap)
        return self._geometry.freemap_blocks * BITS_PER_BLOCK - used

    @property
    def _freemap(self) -> range:
        return self._geometry.freemap

    def _read(self, number: int) -> bytes:
        return self._disk.read_sector(number)

    def _write(self, number: int, data: bytes) -> None:
        self._disk.write_sector(number, data.ljust(BLOCK_SIZE, b"\0"))

    def _check_block(self, number: int, inode: int) -> None:
        """Raise DamagedError unless a block may be part of a file."""
        geometry = self._geometry
        roots = ROOT_INODE + geometry.second_root
        if not roots < number < geometry.blocks or geometry.is_table(number):
            raise DamagedError(
                f"inode {inode} refers to block {number}, which is no block for files; "
                "the file system is damaged"
            )

    def _set_used(self, number: int, used: bool) -> None:
        index, bit = divmod(number, BITS_PER_BLOCK)
        bits = bytearray(self._read(self._freemap[index]))
        mask = 1 << bit % 8
        if used:
            bits[bit // 8] |= mask
        else:
            bits[bit // 8] &= ~mask
            self._next_block = min(self._next_block, number)
        self._write(self._freemap[index], bytes(bits))

    def _allocate(self) -> int:
        """Take a free block: the first one, where nothing was taken before it."""
        for index in range(self._next_block // BITS_PER_BLOCK, self._geometry.freemap_blocks):
            free = int.from_bytes(self._read(self._freemap[index]), "little") ^ EVERYTHING
            if free:
                number = index * BITS_PER_BLOCK + (free & -free).bit_length() - 1
                self._check_block(number, 0)
                self._set_used(number, True)
                self._next_block = number
                return number
        raise FileSystemError("the disk is full; remove files or use a larger disk")


def _has_second_root(disk: SectorDevice) -> bool:
    """Whether block 2 is an inode. It is the freemap otherwise, in which the blocks of the
    superblock, the root and the freemap itself are in use; an inode would be larger than a disk
    if it began like this."""
    block = disk.read_sector(2)
    if block[0] & 7 == 7:
        return False
    _size, kind, *_ = INODE.unpack_from(block)
    return bool(disk.read_sector(3)[0] & 15 == 15 and (kind == DIRECTORY or not any(block)))
