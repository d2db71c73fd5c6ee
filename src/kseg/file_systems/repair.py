"""Making a damaged file system consistent, losing as little as possible.

What can be read of a damaged file is kept, up to its first wrong block; entries that lead nowhere
go. What else is done depends on the kind of file system.
"""

from __future__ import annotations

from dataclasses import replace

from .check import Check
from .device import DamagedError, FileSystemError
from .file_system import FileSystem
from .files import Inode
from .format import BLOCK_SIZE, DIRECTORY, FILE


class Repair(Check):
    """A check that gathers what has to be done, and then does it."""

    def __init__(self, system: FileSystem) -> None:
        super().__init__(system)
        size = system.block_count * BLOCK_SIZE
        self._room = {FILE: size, DIRECTORY: size}
        """Bytes that may still be rescued: many files may claim the same blocks."""
        self._rescued: list[tuple[Inode, bytes]] = []
        self._slots: dict[int, list[tuple[int, str, int]]] = {}
        self._bitmaps: dict[int, bytes] = {}

    def run(self) -> tuple[str, ...]:
        problems = super().run()
        if problems:
            try:
                self.mend()
            except FileSystemError as error:
                raise DamagedError(f"not everything can be repaired: {error}") from None
            left = self.system.check()
            if left:
                raise DamagedError(f"not everything can be repaired: {left[0]}")
        return problems

    def cut(self, inode: Inode, sound: list[int]) -> None:
        """Its contents are kept in memory: the blocks may be given to another file."""
        most = self.system.most_file_blocks * BLOCK_SIZE
        room = min(self._room[inode.kind], most, inode.size)
        contents = self.system._joined(sound, room)
        self._room[inode.kind] -= len(contents)
        if inode.kind == DIRECTORY:
            size = self.system.entry.size
            contents = contents[: len(contents) // size * size]
        self._rescued.append((inode, contents))

    def bad_slot(self, directory: Inode, position: int, name: str, number: int) -> None:
        self._slots.setdefault(directory.number, []).append((position, name, number))

    def bad_bitmap(self, index: int, needed: bytes) -> None:
        self._bitmaps[index] = needed

    def mend(self) -> None:
        """Do it: directories first, since other files depend on what is in them."""
        system = self.system
        for index, needed in self._bitmaps.items():
            system._write(system._bitmap[index], needed)
        self.mend_roots()
        self._fill_rescued(DIRECTORY)
        for number in self._slots.keys() - {inode.number for inode, _ in self._rescued}:
            directory = system._read_inode(number)
            mended = self._mended(number, system._contents(directory))
            for index, block in enumerate(system._data_blocks(directory)):
                if block:
                    system._write(block, mended[index * BLOCK_SIZE : (index + 1) * BLOCK_SIZE])
        self.mend_directories()
        self._fill_rescued(FILE)
        self.mend_inodes()

    def mend_roots(self) -> None:
        """Before anything is read or allocated: roots, and inodes that must go."""

    def mend_directories(self) -> None:
        """What else is wrong with directories."""

    def mend_inodes(self) -> None:
        """What else is wrong with inodes."""

    def fits(self, size: int) -> bool:
        return self.system.free_blocks() >= self.system._needed_blocks(size)

    def _fill_rescued(self, kind: int) -> None:
        """Give the damaged files, or directories, the contents that were kept, if they fit."""
        for inode, contents in self._rescued:
            if inode.kind == kind:
                mended = self._mended(inode.number, contents)
                empty = replace(inode, pointers=())
                self.system._fill(empty, mended if self.fits(len(mended)) else b"")

    def _mended(self, number: int, contents: bytes) -> bytes:
        """A directory's contents with its bad entries changed."""
        changed = bytearray(contents)
        for position, name, child in self._slots.get(number, ()):
            if position >= len(changed):
                break  # That much of it could not be kept.
            stored = name.encode("latin-1")
            while name not in self.system.dots and self._is_taken(stored, changed):
                stored += b"~"
            self.system.entry.pack_into(changed, position, child, stored if child else b"")
        return bytes(changed)

    def _is_taken(self, name: bytes, contents: bytearray) -> bool:
        return len(name) < self.system.name_limit and name + b"\0" in contents
