"""Whether everything on a disk fits together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from ..device import DamagedError, FileSystemError
from .directories import stored_name
from .file_system import CmsFileSystem
from .inode import Inode
from .layout import (
    BITS_PER_BLOCK,
    BLOCK_SIZE,
    DIRECTORY,
    ENTRY,
    ENTRY_SIZE,
    INODE_SIZE,
    INODES_PER_BLOCK,
    ROOT_INODE,
)


class Check:
    """One walk over the whole file system that notes what does not fit together.

    What a repair has to know is handed to methods that do nothing here.
    """

    def __init__(self, system: CmsFileSystem) -> None:
        self._system = system
        self._owner: dict[int, int] = {}
        """The inode that has a block."""
        self._seen: set[int] = set()
        self._pending: list[tuple[Inode, str]] = []
        self._problems: list[str] = []

    def run(self) -> tuple[str, ...]:
        self._root()
        self._tree()
        self._unreachable()
        self._bitmap()
        return tuple(self._problems)

    # What a repair does about it.

    def _cut(self, inode: Inode, sound: list[int]) -> None:
        """Not all of the file's blocks can be its own: none of them is counted as such. Those
        before the first wrong one are `sound`."""

    def _bad_slot(self, directory: Inode, position: int, number: int) -> None:
        """The entry at `position`, in bytes, leads nowhere; its name is bad if there is a
        `number`."""

    def _bad_root(self) -> None:
        """There is no root directory."""

    def _nameless(self, number: int, inode: Inode | None) -> None:
        """An inode that is in use but has no name; None when it cannot be read either."""

    def _bad_bitmap(self, index: int, needed: bytes) -> None:
        """The bitmap's block `index` must be as `needed`."""

    # The walk.

    def _root(self) -> None:
        self._seen.add(ROOT_INODE)
        try:
            root = self._system._read_inode(ROOT_INODE)
            if root.kind == DIRECTORY:
                self._pending.append((root, "/"))
                return
            self._problems.append("/: the root is not a directory")
        except FileSystemError as error:
            self._problems.append(f"/: {error}")
        self._bad_root()

    def _tree(self) -> None:
        while self._pending:
            inode, path = self._pending.pop()
            if self._claim(inode, path):
                blocks = self._system._data_blocks(inode)
            else:
                sound = self._sound_blocks(inode)
                self._cut(inode, sound)
                blocks = iter(sound)
            if inode.kind == DIRECTORY:
                contents = b"".join(map(self._system._read, blocks))[: inode.size]
                self._directory(inode, contents, path)

    def _claim(self, inode: Inode, path: str) -> bool:
        """Note which blocks the file has, all of them or none."""
        system, taken = self._system, list[int]()
        try:
            for blocks in (system._pointer_blocks(inode), system._data_blocks(inode)):
                for number in blocks:
                    if number in self._owner:
                        raise DamagedError(
                            f"block {number} belongs to inodes {self._owner[number]} and"
                            f" {inode.number}"
                        )
                    self._owner[number] = inode.number
                    taken.append(number)
        except FileSystemError as error:
            self._problems.append(f"{path}: {error}")
            for number in taken:
                del self._owner[number]
            return False
        return True

    def _sound_blocks(self, inode: Inode) -> list[int]:
        """A damaged file's data blocks, up to the first that it cannot have."""
        sound: dict[int, None] = {}
        with suppress(FileSystemError):
            for number in self._system._data_blocks(inode):
                if number in self._owner or number in sound:
                    break
                sound[number] = None
        return list(sound)

    def _directory(self, directory: Inode, contents: bytes, path: str) -> None:
        names: set[str] = set()
        whole = contents[: len(contents) // ENTRY_SIZE * ENTRY_SIZE]
        for index, (number, stored) in enumerate(ENTRY.iter_unpack(whole)):
            if not number:
                continue
            position = index * ENTRY_SIZE
            name = stored.rstrip(b"\0").decode("latin-1")
            inode = self._child(number, f"{path.rstrip('/')}/{name}")
            if inode is None:
                self._bad_slot(directory, position, 0)
                continue
            try:
                stored_name(name)
                if name in names:
                    raise DamagedError(f"{path} has two entries {name}")
                names.add(name)
            except FileSystemError as error:
                self._problems.append(f"directory inode {directory.number}: {error}")
                self._bad_slot(directory, position, number)

    def _child(self, number: int, path: str) -> Inode | None:
        """What an entry leads to, if it may; that will be walked, too."""
        if number in self._seen:
            self._problems.append(f"{path}: inode {number} has a second name")
            return None
        try:
            inode = self._system._read_inode(number)
        except FileSystemError as error:
            self._problems.append(f"{path}: {error}")
            return None
        self._seen.add(number)
        self._pending.append((inode, path))
        return inode

    def _used_inodes(self) -> Iterator[int]:
        geometry = self._system._geometry
        for block in range(geometry.inode_blocks):
            data = self._system._read(geometry.inode_start + block)
            if any(data):
                for index in range(INODES_PER_BLOCK):
                    if data[index * INODE_SIZE : index * INODE_SIZE + 2] != b"\0\0":
                        yield block * INODES_PER_BLOCK + index

    def _unreachable(self) -> None:
        for number in self._used_inodes():
            if number in self._seen:
                continue
            self._problems.append(f"inode {number} is in use but has no name")
            try:
                inode = self._system._read_inode(number)
            except FileSystemError:
                self._nameless(number, None)
                continue
            self._nameless(number, inode)

    def _bitmap(self) -> None:
        geometry = self._system._geometry
        needed = self._needed()
        for index in range(geometry.bitmap_blocks):
            block = needed[index * BLOCK_SIZE : (index + 1) * BLOCK_SIZE]
            there = self._system._read(1 + index)
            if there != block:
                self._compare(index, there, block)

    def _compare(self, index: int, there: bytes, needed: bytes) -> None:
        self._bad_bitmap(index, needed)
        for place, (one, other) in enumerate(zip(there, needed, strict=True)):
            for bit in range(8):
                if (one ^ other) >> bit & 1:
                    number = index * BITS_PER_BLOCK + place * 8 + bit
                    if other >> bit & 1:
                        self._problems.append(f"block {number} is in use but marked free")
                    else:
                        self._problems.append(f"block {number} is marked used but nothing uses it")

    def _needed(self) -> bytes:
        """What the bitmap must be."""
        geometry = self._system._geometry
        everything = (1 << geometry.bitmap_blocks * BITS_PER_BLOCK) - (1 << geometry.blocks)
        tables = (1 << geometry.data_start) - 1
        size = geometry.bitmap_blocks * BLOCK_SIZE
        bits = bytearray((everything | tables).to_bytes(size, "little"))
        for number in self._owner:
            bits[number // 8] |= 1 << number % 8
        return bytes(bits)
