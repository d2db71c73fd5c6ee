"""Making a damaged file system consistent, losing as little as possible.

What can be read of a damaged file is kept, up to its first wrong block; entries that lead nowhere
go; files that have lost their names get new ones in the root directory.
"""

from __future__ import annotations

from ..device import DamagedError, FileSystemError
from .check import Check
from .file_system import CmsFileSystem
from .inode import Inode
from .layout import (
    BLOCK_SIZE,
    DIRECT_BLOCKS,
    DIRECTORY,
    ENTRY,
    ENTRY_SIZE,
    FILE,
    INODE_SIZE,
    INODES_PER_BLOCK,
    POINTERS_PER_BLOCK,
    ROOT_INODE,
)


class Repair(Check):
    """A check that gathers what has to be done, and then does it."""

    def __init__(self, system: CmsFileSystem) -> None:
        super().__init__(system)
        size = system.block_count * BLOCK_SIZE
        self._room = {FILE: size, DIRECTORY: size}
        """Bytes that may still be rescued: many files may claim the same blocks."""
        self._rescued: list[tuple[Inode, bytes]] = []
        self._slots: dict[int, list[tuple[int, int]]] = {}
        self._cleared: list[int] = []
        self._named: list[int] = []
        self._bitmaps: dict[int, bytes] = {}
        self._no_root = False

    def run(self) -> tuple[str, ...]:
        problems = super().run()
        if problems:
            try:
                self._mend()
            except FileSystemError as error:
                raise DamagedError(f"not everything can be repaired: {error}") from None
            left = Check(self._system).run()
            if left:
                raise DamagedError(f"not everything can be repaired: {left[0]}")
        return problems

    def _cut(self, inode: Inode, sound: list[int]) -> None:
        """Its contents are kept in memory: the blocks may be given to another file."""
        room = self._room[inode.kind]
        contents = b"".join(map(self._system._read, sound))[: min(inode.size, room)]
        self._room[inode.kind] -= len(contents)
        if inode.kind == DIRECTORY:
            contents = contents[: len(contents) // ENTRY_SIZE * ENTRY_SIZE]
        self._rescued.append((inode, contents))

    def _bad_slot(self, directory: Inode, position: int, number: int) -> None:
        self._slots.setdefault(directory.number, []).append((position, number))

    def _bad_root(self) -> None:
        self._no_root = True

    def _nameless(self, number: int, inode: Inode | None) -> None:
        if inode is None:
            self._cleared.append(number)
            return
        self._named.append(number)
        self._seen.add(number)
        self._pending.append((inode, f"/inode-{number}"))
        self._tree()

    def _bad_bitmap(self, index: int, needed: bytes) -> None:
        self._bitmaps[index] = needed

    def _mend(self) -> None:
        system = self._system
        for index, needed in self._bitmaps.items():
            system._disk.write_sector(1 + index, needed)
        for number in self._cleared:
            self._clear(number)
        if self._no_root:
            system._write_inode(Inode(ROOT_INODE, DIRECTORY))
        # Directories first: other files depend on what is in them.
        for inode, contents in sorted(self._rescued, key=lambda each: each[0].kind != DIRECTORY):
            mended = self._mended(inode.number, contents)
            system._fill(inode, mended if self._fits(len(mended)) else b"")
        rescued = {inode.number for inode, _ in self._rescued}
        for number in self._slots.keys() - rescued:
            directory = system._read_inode(number)
            mended = self._mended(number, system._contents(directory))
            for index, block in enumerate(system._data_blocks(directory)):
                data = mended[index * BLOCK_SIZE : (index + 1) * BLOCK_SIZE]
                system._disk.write_sector(block, data.ljust(BLOCK_SIZE, b"\0"))
        for number in self._named:
            self._name(number)

    def _clear(self, number: int) -> None:
        """Inode 0, which is none, may have been damaged, too."""
        block, index = divmod(number, INODES_PER_BLOCK)
        data = bytearray(self._system._read(self._system._geometry.inode_start + block))
        data[index * INODE_SIZE : (index + 1) * INODE_SIZE] = bytes(INODE_SIZE)
        self._system._disk.write_sector(self._system._geometry.inode_start + block, bytes(data))

    def _mended(self, number: int, contents: bytes) -> bytes:
        """A directory's contents with its bad entries changed."""
        changed = bytearray(contents)
        for position, child in self._slots.get(number, ()):
            if position >= len(changed):
                break  # That much of it could not be kept.
            name = f"inode-{child}".encode()
            while name.ljust(ENTRY_SIZE - 4, b"\0") in changed:
                name += b"~"
            ENTRY.pack_into(changed, position, child, name if child else b"")
        return bytes(changed)

    def _fits(self, size: int) -> bool:
        blocks = -(-size // BLOCK_SIZE)
        pointers = (blocks - DIRECT_BLOCKS) // POINTERS_PER_BLOCK + 3
        return self._system.free_blocks() >= blocks + max(pointers, 0)

    def _name(self, number: int) -> None:
        """Give what has none a name, or give it up where there is no room for one."""
        system = self._system
        root = system._read_inode(ROOT_INODE)
        if self._fits(root.size + ENTRY_SIZE):
            taken = {name for _, name, _ in system._entries(root)}
            name = f"inode-{number}"
            while name in taken:
                name += "+"
            system._add_entry(root, name, number)
            return
        inode = system._read_inode(number)
        system._truncate(inode)
        system._write_inode(Inode(number))
