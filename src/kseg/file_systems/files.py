"""Files by inode number: their inodes, and the blocks that they consist of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from .blocks import Blocks
from .device import DamagedError, FileSystemError
from .format import BLOCK_SIZE, POINTERS, POINTERS_PER_BLOCK


@dataclass(frozen=True)
class Inode:
    """One inode; `number` says where it is stored.

    `pointers` are its blocks, then the indirect block, the double indirect one and so on; 0 is
    none. `modified` is in seconds since 1970, None where a file system does not know.
    """

    number: int
    kind: int
    size: int = 0
    pointers: tuple[int, ...] = ()
    links: int = 1
    modified: int | None = None

    @property
    def blocks(self) -> int:
        """How many blocks the contents have, holes included."""
        return -(-self.size // BLOCK_SIZE)


class Files(Blocks):
    """Inodes and what they refer to; names are known one level up."""

    direct_blocks: int
    """An inode's pointers to blocks of the contents."""
    levels: int
    """Its pointers to blocks of pointers."""
    has_holes: bool
    """Whether a pointer of 0 is a block of zeros. Where it is not, pointers past a file's end mean
    nothing."""

    @property
    def most_file_blocks(self) -> int:
        """Of a file's contents, at most."""
        raise NotImplementedError

    def _read_inode(self, number: int) -> Inode:
        """DamagedError where there is none."""
        raise NotImplementedError

    def _write_inode(self, inode: Inode) -> None:
        raise NotImplementedError

    def _references(self, inode: Inode) -> Iterator[tuple[int, int, int]]:
        """Every block that the inode refers to: the block's number, the levels below it (0 for
        contents), and the index in the file. DamagedError for one that can be no file's; what was
        yielded is read afterwards."""
        pending: list[tuple[int, int, int]] = []

        def refer(pointers: Iterable[tuple[int, int, int]]) -> None:
            found = [
                each for each in pointers if (each[0] if self.has_holes else each[2] < inode.blocks)
            ]
            pending.extend(reversed(found))

        refer(self._trees(inode))
        while pending:
            number, level, first = pending.pop()
            self._check_block(number, inode.number)
            yield number, level, first
            if level:
                below = POINTERS_PER_BLOCK ** (level - 1)
                pointers = POINTERS.unpack(self._read(number))
                refer((each, level - 1, first + i * below) for i, each in enumerate(pointers))

    def _trees(self, inode: Inode) -> Iterator[tuple[int, int, int]]:
        """An inode's pointers: each with how many levels lie below it, and the index, in the
        file, of the first block below it."""
        first = 0
        for index, pointer in enumerate(inode.pointers):
            level = max(index - self.direct_blocks + 1, 0)
            yield pointer, level, first
            first += POINTERS_PER_BLOCK**level

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

    def _joined(self, blocks: Iterable[int], size: int) -> bytes:
        hole = bytes(BLOCK_SIZE)
        return b"".join(self._read(n) if n else hole for n in blocks)[:size]

    def _fill(self, inode: Inode, data: bytes) -> Inode:
        """Give an inode that has no blocks the contents `data`, and store it."""
        numbers: list[int] = []
        for start in range(0, len(data), BLOCK_SIZE):
            numbers.append(self._allocate())
            self._write(numbers[-1], data[start : start + BLOCK_SIZE])
        pointers = numbers[: self.direct_blocks]
        pointers += [0] * (self.direct_blocks - len(pointers))
        rest = numbers[self.direct_blocks :]
        for level in range(1, self.levels + 1):
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

    def _needed_blocks(self, size: int) -> int:
        """How many blocks a file of `size` bytes takes, those of pointers included."""
        needed = -(-size // BLOCK_SIZE)
        rest = needed - self.direct_blocks
        for level in range(1, self.levels + 1):
            here = min(max(rest, 0), POINTERS_PER_BLOCK**level)
            rest -= here
            needed += sum(-(-here // POINTERS_PER_BLOCK**each) for each in range(1, level + 1))
        return needed

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
        if -(-len(data) // BLOCK_SIZE) > self.most_file_blocks:
            most = self.most_file_blocks * BLOCK_SIZE
            raise FileSystemError(f"{len(data)} bytes are more than a file can hold ({most})")
        self._release(inode)
        return self._fill(inode, data)
