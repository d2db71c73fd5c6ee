"""Whether everything on a disk fits together."""

from __future__ import annotations

from .file_system import CmsFileSystem
from .inode import Inode
from .layout import (
    BITS_PER_BLOCK,
    DIRECTORY,
    INODE_SIZE,
    INODES_PER_BLOCK,
    ROOT_INODE,
    FileSystemError,
)


class Check:
    """One walk over the whole file system that notes what does not fit together."""

    def __init__(self, system: CmsFileSystem) -> None:
        self._system = system
        self._owner: dict[int, int] = {}
        self._seen: set[int] = set()
        self._problems: list[str] = []

    def run(self) -> tuple[str, ...]:
        self._tree()
        self._unreachable()
        self._bitmap()
        return tuple(self._problems)

    def _tree(self) -> None:
        pending = [(ROOT_INODE, "/")]
        while pending:
            number, path = pending.pop()
            if number in self._seen:
                self._problems.append(f"{path}: inode {number} has a second name")
                continue
            self._seen.add(number)
            try:
                inode = self._system._read_inode(number)
                self._claim(inode)
                if inode.kind == DIRECTORY:
                    for _, name, child in self._system._entries(inode):
                        pending.append((child, f"{path.rstrip('/')}/{name}"))
                elif number == ROOT_INODE:
                    self._problems.append("/: the root is not a directory")
            except FileSystemError as error:
                self._problems.append(f"{path}: {error}")

    def _claim(self, inode: Inode) -> None:
        """Note which blocks the file has; the first one it shares ends the walk."""
        system = self._system
        for blocks in (system._pointer_blocks(inode), system._data_blocks(inode)):
            for number in blocks:
                if number in self._owner:
                    raise FileSystemError(
                        f"block {number} belongs to inodes {self._owner[number]} and {inode.number}"
                    )
                self._owner[number] = inode.number

    def _unreachable(self) -> None:
        geometry = self._system._geometry
        for block in range(geometry.inode_blocks):
            data = self._system._read(geometry.inode_start + block)
            for index in range(INODES_PER_BLOCK):
                number = block * INODES_PER_BLOCK + index
                used = data[index * INODE_SIZE : index * INODE_SIZE + 2] != b"\0\0"
                if used and number not in self._seen:
                    self._problems.append(f"inode {number} is in use but has no name")

    def _bitmap(self) -> None:
        geometry = self._system._geometry
        for index in range(geometry.bitmap_blocks):
            bits = int.from_bytes(self._system._read(1 + index), "little")
            first = index * BITS_PER_BLOCK
            for number in range(first, min(first + BITS_PER_BLOCK, geometry.blocks)):
                used = bool(bits >> (number - first) & 1)
                needed = number < geometry.data_start or number in self._owner
                if needed and not used:
                    self._problems.append(f"block {number} is in use but marked free")
                elif used and not needed:
                    self._problems.append(f"block {number} is marked used but nothing uses it")
