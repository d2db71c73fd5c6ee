"""Files by inode number: their inodes, and the blocks that they consist of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..device import DamagedError, FileSystemError
from .blocks import Blocks
from .layout import (
    BLOCK_SIZE,
    DIRECT_BLOCKS,
    DIRECTORY,
    ENTRY_SIZE,
    FILE,
    INODE,
    LEVELS,
    POINTERS,
    POINTERS_PER_BLOCK,
    ROOT_INODE,
    Inode,
)


class Files(Blocks):
    """Inodes and what they refer to; names are known one level up."""

    def _read_inode(self, number: int) -> Inode:
        if number != ROOT_INODE and not (number == 2 and self._geometry.second_root):
            self._check_block(number, number)
        size, kind, links, *pointers = INODE.unpack_from(self._read(number))
        if kind not in (FILE, DIRECTORY):
            raise DamagedError(f"block {number} is no inode: its type is {kind}")
        if -(-size // BLOCK_SIZE) > self._most_blocks(pointers):
            raise DamagedError(f"inode {number} has {size} bytes, which no file has")
        if kind == DIRECTORY and size % ENTRY_SIZE:
            raise DamagedError(f"directory inode {number} has {size} bytes, which no directory has")
        return Inode(number, kind, size, links, tuple(pointers))

    def _most_blocks(self, pointers: list[int]) -> int:
        """How many blocks a file may have: no more than the disk, either."""
        deep = any(pointers[DIRECT_BLOCKS + 1 :])
        most = self._disk.sectors if deep else self._geometry.most_file_blocks
        return min(most, self._geometry.blocks)

    def _write_inode(self, inode: Inode) -> None:
        self._write(inode.number, INODE.pack(inode.size, inode.kind, inode.links, *inode.pointers))

    # ---- what a file consists of ----

    def _trees(self, inode: Inode) -> Iterator[tuple[int, int, int]]:
        """An inode's pointers: each with how many levels lie below it, and the index, in the
        file, of the first block below it."""
        first = 0
        for index, pointer in enumerate(inode.pointers):
            level = max(index - DIRECT_BLOCKS + 1, 0)
            yield pointer, level, first
            first += POINTERS_PER_BLOCK**level

    def _references(self, inode: Inode) -> Iterator[tuple[int, int, int]]:
        """Every block that the inode refers to, those past its end included: the block's number,
        the levels below it (0 for contents), and the index in the file. DamagedError for one that
        can be no file's; what was yielded is read afterwards."""
        pending = [tree for tree in self._trees(inode) if tree[0]][::-1]
        while pending:
            number, level, first = pending.pop()
            self._check_block(number, inode.number)
            yield number, level, first
            if level:
                below = POINTERS_PER_BLOCK ** (level - 1)
                pointers = POINTERS.unpack(self._read(number))
                pending += [
                    (pointer, level - 1, first + index * below)
                    for index, pointer in enumerate(pointers)
                    if pointer
                ][::-1]

    def _data_blocks(self, inode: Inode) -> Iterator[int]:
        """The numbers of the blocks with the contents, in order; 0 where there is a hole."""
        blocks, place = inode.blocks, 0
        for number, level, index in self._references(inode):
            if index >= blocks:
                break
            if level == 0:
                yield from (0,) * (index - place)
                yield number
                place = index + 1
        yield from (0,) * (blocks - place)

    def _contents(self, inode: Inode) -> bytes:
        return self._joined(self._data_blocks(inode), inode.size)

    def _joined(self, blocks: Iterator[int], size: int) -> bytes:
        hole = bytes(BLOCK_SIZE)
        return b"".join(self._read(n) if n else hole for n in blocks)[:size]

    def _fill(self, inode: Inode, data: bytes) -> Inode:
        """Give an inode that has no blocks the contents `data`, and store it."""
        numbers: list[int] = []
        for start in range(0, len(data), BLOCK_SIZE):
            numbers.append(self._allocate())
            self._write(numbers[-1], data[start : start + BLOCK_SIZE])
        pointers = numbers[:DIRECT_BLOCKS]
        pointers += [0] * (DIRECT_BLOCKS - len(pointers))
        rest = numbers[DIRECT_BLOCKS:]
        for level in range(1, LEVELS + 1):
            here = POINTERS_PER_BLOCK**level
            pointers.append(self._write_tree(rest[:here], level))
            rest = rest[here:]
        filled = replace(inode, size=len(data), pointers=tuple(pointers))
        self._write_inode(filled)
        return filled

    def _write_tree(self, numbers: list[int], level: int) -> int:
        """Pointer blocks for some blocks; the number of the topmost."""
        if level == 0 or not numbers:
            return numbers[0] if numbers else 0
        below = POINTERS_PER_BLOCK ** (level - 1)
        parts = [numbers[start : start + below] for start in range(0, len(numbers), below)]
        pointers = [self._write_tree(part, level - 1) for part in parts]
        number = self._allocate()
        self._write(number, POINTERS.pack(*pointers, *(0,) * (POINTERS_PER_BLOCK - len(pointers))))
        return number

    def _release(self, inode: Inode) -> None:
        """Free a file's blocks, but not its inode."""
        numbers: dict[int, None] = {}
        for number, _, _ in self._references(inode):
            if number in numbers:
                raise DamagedError(f"inode {inode.number} has block {number} twice")
            numbers[number] = None
        for number in numbers:
            self._set_used(number, False)

    def _replace(self, inode: Inode, data: bytes) -> Inode:
        """Give a file other contents."""
        if -(-len(data) // BLOCK_SIZE) > self._geometry.most_file_blocks:
            most = self._geometry.most_file_blocks * BLOCK_SIZE
            raise FileSystemError(f"{len(data)} bytes are more than a file can hold ({most})")
        self._release(inode)
        return self._fill(inode, data)
