"""Whether everything on a disk fits together: what all kinds of file systems have of that."""

from __future__ import annotations

from contextlib import suppress

from .device import DamagedError, FileSystemError
from .file_system import FileSystem
from .files import Inode
from .format import BITS_PER_BLOCK, BLOCK_SIZE, DIRECTORY


class Check:
    """One walk over the whole file system that notes what does not fit together.

    What a repair has to know is handed to methods that do nothing here.
    """

    def __init__(self, system: FileSystem) -> None:
        self.system = system
        self.owner: dict[int, int] = {}
        """The inode that has a block."""
        self.pending: list[tuple[Inode, int, str]] = []
        """Files to look at: the inode, that of the directory with its name, its path."""
        self.problems: list[str] = []

    def run(self) -> tuple[str, ...]:
        """What is wrong, a line each."""
        self.walk_all()
        self._compare_bitmap()
        return tuple(self.problems)

    # What kinds of file systems do in their own ways.

    def walk_all(self) -> None:
        """Look at everything but the bitmap: `walk` from each root."""
        raise NotImplementedError

    def needed_bitmap(self) -> bytearray:
        """The bitmap as it must be."""
        raise NotImplementedError

    def directory(self, directory: Inode, parent: int, contents: bytes, path: str) -> None:
        """Look at a directory's contents, and note in `pending` what is to be walked."""
        raise NotImplementedError

    def owner_of(self, number: int) -> int | None:
        """The inode that has a block."""
        return self.owner.get(number)

    # What a repair does about it.

    def bad_root(self, number: int) -> None:
        """There is no root directory."""

    def cut(self, inode: Inode, sound: list[int]) -> None:
        """The file's blocks cannot all be its own: none of them is counted as such. Those
        before the first wrong one are `sound`, 0 where there is a hole."""

    def bad_slot(self, directory: Inode, position: int, name: str, number: int) -> None:
        """The entry at `position`, in bytes, must have this name, and lead to this inode; 0 for
        one that must go."""

    def bad_bitmap(self, index: int, needed: bytes) -> None:
        """The bitmap's block `index` must be as `needed`."""

    # The walk.

    def root(self, number: int, path: str) -> Inode | None:
        """Note a root, to be walked; None, and what is wrong, where there is none."""
        try:
            root = self.system._read_inode(number)
            if root.kind != DIRECTORY:
                raise DamagedError("the root is not a directory")
        except FileSystemError as error:
            self.problems.append(f"{path}: {error}")
            self.bad_root(number)
            return None
        self.pending.append((root, number, path))
        return root

    def walk(self) -> None:
        """Look at what is `pending`, and at all that it leads to."""
        system = self.system
        while self.pending:
            inode, parent, path = self.pending.pop()
            if self._claim(inode, path):
                blocks = list(system._data_blocks(inode)) if inode.kind == DIRECTORY else []
            else:
                blocks = self._sound_blocks(inode)
                self.cut(inode, blocks)
            if inode.kind == DIRECTORY:
                self.directory(inode, parent, system._joined(blocks, inode.size), path)

    def _claim(self, inode: Inode, path: str) -> bool:
        """Note which blocks the file has, all of them or none."""
        taken: list[int] = []
        try:
            for number, _, index in self.system._references(inode):
                owner = self.owner_of(number)
                if owner is not None:
                    raise DamagedError(
                        f"block {number} belongs to inodes {owner} and {inode.number}"
                    )
                if index >= inode.blocks:
                    raise DamagedError(f"inode {inode.number} has block {number} after its end")
                self.owner[number] = inode.number
                taken.append(number)
        except FileSystemError as error:
            self.problems.append(f"{path}: {error}")
            for number in taken:
                del self.owner[number]
            return False
        return True

    def _sound_blocks(self, inode: Inode) -> list[int]:
        """A damaged file's data blocks, up to the first that it cannot have."""
        sound: list[int] = []
        seen = {0}
        with suppress(FileSystemError):
            for number in self.system._data_blocks(inode):
                if number and (number in seen or self.owner_of(number) is not None):
                    break
                seen.add(number)
                sound.append(number)
        return sound

    def _compare_bitmap(self) -> None:
        needed = self.needed_bitmap()
        for number in self.owner:
            needed[number // 8] |= 1 << number % 8
        for index, number in enumerate(self.system._bitmap):
            block = bytes(needed[index * BLOCK_SIZE : (index + 1) * BLOCK_SIZE])
            there = self.system._read(number)
            if there != block:
                self.bad_bitmap(index, block)
                self._differences(index, there, block)

    def _differences(self, index: int, there: bytes, needed: bytes) -> None:
        for place, (one, other) in enumerate(zip(there, needed, strict=True)):
            for bit in range(8):
                if (one ^ other) >> bit & 1:
                    number = index * BITS_PER_BLOCK + place * 8 + bit
                    if other >> bit & 1:
                        self.problems.append(f"block {number} is in use but marked free")
                    else:
                        self.problems.append(f"block {number} is marked used but nothing uses it")
