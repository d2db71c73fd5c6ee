"""Files by inode number: their inodes, and the blocks that they consist of."""

from __future__ import annotations

from collections.abc import Iterator

from ..device import DamagedError, FileSystemError
from .blocks import Blocks
from .inode import Inode
from .layout import (
    BLOCK_SIZE,
    DIRECT_BLOCKS,
    DIRECTORY,
    ENTRY_SIZE,
    FILE,
    INODE,
    INODE_SIZE,
    INODES_PER_BLOCK,
    MAXIMUM_FILE_SIZE,
    POINTERS,
    POINTERS_PER_BLOCK,
    ROOT_INODE,
)


class Files(Blocks):
    """Inodes and what they refer to; names are known one level up."""

    # ---- inodes ----

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
        if kind == DIRECTORY and (size % ENTRY_SIZE or size > ENTRY_SIZE * self._geometry.inodes):
            raise DamagedError(
                f"directory inode {number} has {size} bytes, which no directory has; "
                "the file system is damaged, restore the image"
            )
        direct = tuple(pointers[:DIRECT_BLOCKS])
        return Inode(number, kind, size, modified, direct, *pointers[DIRECT_BLOCKS:])

    def _write_inode(self, inode: Inode) -> None:
        number, offset = self._inode_place(inode.number)
        block = bytearray(self._read(number))
        INODE.pack_into(
            block, offset, inode.kind, 0, inode.size, inode.modified,
            *inode.direct, inode.indirect, inode.double_indirect,
        )  # fmt: skip
        self._disk.write_sector(number, bytes(block))

    def _new_inode(self, kind: int) -> Inode:
        """Take a free inode. It is written only once its file has contents and a name."""
        for block in range(self._geometry.inode_blocks):
            data = self._read(self._geometry.inode_start + block)
            for index in range(INODES_PER_BLOCK):
                number = block * INODES_PER_BLOCK + index
                free = data[index * INODE_SIZE : index * INODE_SIZE + 2] == b"\0\0"
                if free and number > ROOT_INODE:
                    return Inode(number, kind)
        raise FileSystemError("no inode is left; remove files, or format with more inodes")

    # ---- what a file consists of ----

    def _pointers(self, number: int, inode: Inode, count: int) -> tuple[int, ...]:
        """The first `count` of the block numbers in the pointer block `number`."""
        self._check_data_block(number, inode)
        return POINTERS.unpack(self._read(number))[:count]

    def _data_blocks(self, inode: Inode) -> Iterator[int]:
        """The numbers of the blocks with the file's contents, in order."""
        left = -(-inode.size // BLOCK_SIZE)
        yield from self._checked(inode.direct[:left], inode)
        left -= DIRECT_BLOCKS
        if left > 0:
            yield from self._checked(self._pointers(inode.indirect, inode, left), inode)
            left -= POINTERS_PER_BLOCK
        if left > 0:
            for number in self._pointers(inode.double_indirect, inode, pointer_blocks(left)):
                yield from self._checked(self._pointers(number, inode, left), inode)
                left -= POINTERS_PER_BLOCK

    def _pointer_blocks(self, inode: Inode) -> Iterator[int]:
        """The numbers of the blocks that hold block numbers."""
        left = -(-inode.size // BLOCK_SIZE) - DIRECT_BLOCKS
        if left > 0:
            yield from self._checked((inode.indirect,), inode)
            left -= POINTERS_PER_BLOCK
        if left > 0:
            yield from self._checked((inode.double_indirect,), inode)
            numbers = self._pointers(inode.double_indirect, inode, pointer_blocks(left))
            yield from self._checked(numbers, inode)

    def _checked(self, numbers: tuple[int, ...], inode: Inode) -> Iterator[int]:
        for number in numbers:
            self._check_data_block(number, inode)
            yield number

    def _contents(self, inode: Inode) -> bytes:
        return b"".join(map(self._read, self._data_blocks(inode)))[: inode.size]

    def _fill(self, inode: Inode, data: bytes, blocks: tuple[int, ...] = ()) -> None:
        """Give `inode` the contents `data`, in `blocks` as far as they go, and store it."""
        numbers: list[int] = []

        def write_pointers(pointers: list[int]) -> int:
            number = self._allocate()
            padded = pointers + [0] * (POINTERS_PER_BLOCK - len(pointers))
            self._disk.write_sector(number, POINTERS.pack(*padded))
            return number

        for index, start in enumerate(range(0, len(data), BLOCK_SIZE)):
            numbers.append(blocks[index] if index < len(blocks) else self._allocate())
            block = data[start : start + BLOCK_SIZE].ljust(BLOCK_SIZE, b"\0")
            self._disk.write_sector(numbers[-1], block)
        rest = numbers[DIRECT_BLOCKS:]
        indirect = write_pointers(rest[:POINTERS_PER_BLOCK]) if rest else 0
        rest = rest[POINTERS_PER_BLOCK:]
        tables = [
            write_pointers(rest[start : start + POINTERS_PER_BLOCK])
            for start in range(0, len(rest), POINTERS_PER_BLOCK)
        ]
        double_indirect = write_pointers(tables) if tables else 0
        direct = numbers[:DIRECT_BLOCKS]
        inode.direct = tuple(direct + [0] * (DIRECT_BLOCKS - len(direct)))
        inode.indirect, inode.double_indirect = indirect, double_indirect
        inode.size = len(data)
        self._write_inode(inode)

    def _truncate(self, inode: Inode) -> None:
        """Make the file empty and free its blocks."""
        freed = {*self._data_blocks(inode), *self._pointer_blocks(inode)}
        inode.size = inode.indirect = inode.double_indirect = 0
        inode.direct = (0,) * DIRECT_BLOCKS
        self._write_inode(inode)
        for number in sorted(freed):
            self._set_used(number, False)
        self._next_block = min([self._next_block, *freed])


def pointer_blocks(blocks: int) -> int:
    """How many pointer blocks it takes to name `blocks` blocks."""
    return -(-blocks // POINTERS_PER_BLOCK)
