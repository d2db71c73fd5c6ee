"""Whether everything on a disk of cms's fits together."""

from __future__ import annotations

from collections.abc import Iterator

from ..check import Check
from ..device import FileSystemError
from ..files import Inode
from ..format import ROOT_INODE
from .file_system import CmsFileSystem
from .layout import INODE_SIZE, INODES_PER_BLOCK


class CmsCheck(Check):
    """Every file has one name, and all inodes that are in use have one."""

    system: CmsFileSystem

    def __init__(self, system: CmsFileSystem) -> None:
        super().__init__(system)
        self.seen = {ROOT_INODE}

    def walk_all(self) -> None:
        self.root(ROOT_INODE, "/")
        self.walk()
        self._unreachable()

    def needed_bitmap(self) -> bytearray:
        return self.system._geometry.bitmap

    # What a repair does about it.

    def nameless(self, number: int, inode: Inode | None) -> None:
        """An inode that is in use but has no name; None when it cannot be read either."""

    # The walk.

    def directory(self, directory: Inode, parent: int, contents: bytes, path: str) -> None:  # noqa: ARG002
        names: set[str] = set()
        for position, name, number in self.system._slots(contents):
            if not self._child(directory, number, f"{path.rstrip('/')}/{name}"):
                self.bad_slot(directory, position, "", 0)
            elif name in names or not self.system._is_possible_name(name):
                what = "two entries" if name in names else "the bad name"
                self.problems.append(f"{path}: has {what} {name!r}")
                self.bad_slot(directory, position, f"inode-{number}", number)
            else:
                names.add(name)

    def _child(self, directory: Inode, number: int, path: str) -> bool:
        """Note what an entry leads to, to be walked; False when it may not."""
        if number in self.seen:
            self.problems.append(f"{path}: inode {number} has a second name")
            return False
        try:
            inode = self.system._read_inode(number)
        except FileSystemError as error:
            self.problems.append(f"{path}: {error}")
            return False
        self.seen.add(number)
        self.pending.append((inode, directory.number, path))
        return True

    def _used_inodes(self) -> Iterator[int]:
        geometry = self.system._geometry
        for block in range(geometry.inode_blocks):
            data = self.system._read(geometry.inode_start + block)
            if any(data):
                for index in range(INODES_PER_BLOCK):
                    if data[index * INODE_SIZE : index * INODE_SIZE + 2] != b"\0\0":
                        yield block * INODES_PER_BLOCK + index

    def _unreachable(self) -> None:
        for number in self._used_inodes():
            if number in self.seen:
                continue
            self.problems.append(f"inode {number} is in use but has no name")
            try:
                inode = self.system._read_inode(number)
            except FileSystemError:
                self.nameless(number, None)
                continue
            self.nameless(number, inode)
