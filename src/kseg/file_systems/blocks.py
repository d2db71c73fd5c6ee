"""Blocks by number, and which of them are in use."""

from __future__ import annotations

from .device import Changes, DamagedError, FileSystemError, SectorDevice
from .format import BITS_PER_BLOCK, BLOCK_SIZE

EVERYTHING = (1 << BITS_PER_BLOCK) - 1


class Blocks:
    """The blocks of the file system on a disk whose superblock has been checked."""

    def __init__(self, disk: SectorDevice, blocks: int, bitmap: range, label: str) -> None:
        """`blocks` are in the file system; the `bitmap` of those in use lies in these."""
        self._disk = Changes(disk)
        self._bitmap = bitmap
        self._next_block = 0
        """All blocks before it are in use."""
        self.block_count = blocks
        """Blocks of 512 bytes in the file system, tables included."""
        self.label = label
        """The file system's name."""

    def free_blocks(self) -> int:
        """Blocks of 512 bytes that nothing uses."""
        used = sum(int.from_bytes(self._read(n), "little").bit_count() for n in self._bitmap)
        return len(self._bitmap) * BITS_PER_BLOCK - used

    def _is_for_files(self, number: int) -> bool:
        """Whether a block may be part of a file."""
        raise NotImplementedError

    def _check_block(self, number: int, inode: int) -> None:
        """DamagedError unless a block may be part of a file."""
        if not self._is_for_files(number):
            raise DamagedError(
                f"inode {inode} refers to block {number}, which is no block for files; "
                "the file system is damaged"
            )

    def _read(self, number: int) -> bytes:
        data = self._disk.read_sector(number)
        if len(data) != BLOCK_SIZE:
            raise DamagedError(f"sector {number} cannot be read; the image is cut short")
        return data

    def _write(self, number: int, data: bytes) -> None:
        self._disk.write_sector(number, data.ljust(BLOCK_SIZE, b"\0"))

    def _set_used(self, number: int, used: bool) -> None:
        index, bit = divmod(number, BITS_PER_BLOCK)
        bits = bytearray(self._read(self._bitmap[index]))
        mask = 1 << bit % 8
        if used:
            bits[bit // 8] |= mask
        else:
            bits[bit // 8] &= ~mask
            self._next_block = min(self._next_block, number)
        self._write(self._bitmap[index], bytes(bits))

    def _allocate(self) -> int:
        """Take the first free block."""
        for index in range(self._next_block // BITS_PER_BLOCK, len(self._bitmap)):
            free = int.from_bytes(self._read(self._bitmap[index]), "little") ^ EVERYTHING
            if free:
                number = index * BITS_PER_BLOCK + (free & -free).bit_length() - 1
                if not self._is_for_files(number):
                    raise DamagedError(
                        f"the bitmap calls block {number} free, which is no block for files; "
                        "the file system is damaged"
                    )
                self._set_used(number, True)
                self._next_block = number
                return number
        raise FileSystemError("the disk is full; remove files or use a larger disk")
