"""Making a damaged file system consistent, losing as little as possible.

What can be read of a damaged file is kept, up to its first wrong block; entries that lead nowhere
go. Inodes lie anywhere, so that only a name leads to a file: one that has lost its name is lost.
"""

from __future__ import annotations

from dataclasses import replace

from ..device import DamagedError, FileSystemError
from .check import Check
from .file_system import SfsFileSystem
from .journal import empty_journal
from .layout import (
    BLOCK_SIZE,
    DIRECT_BLOCKS,
    DIRECTORY,
    ENTRY,
    ENTRY_SIZE,
    FILE,
    LEVELS,
    NAME_LIMIT,
    POINTERS_PER_BLOCK,
    ROOT_INODE,
    Inode,
)

NO_POINTERS = (0,) * (DIRECT_BLOCKS + LEVELS)


class Repair(Check):
    """A check that gathers what has to be done, and then does it."""

    def __init__(self, system: SfsFileSystem) -> None:
        super().__init__(system)
        size = system.block_count * BLOCK_SIZE
        self._room = {FILE: size, DIRECTORY: size}
        """Bytes that may still be rescued: many files may claim the same blocks."""
        self._rescued: list[tuple[Inode, bytes]] = []
        self._slots: dict[int, list[tuple[int, str, int]]] = {}
        self._dots: list[tuple[int, str, int]] = []
        self._counts: list[tuple[int, int]] = []
        self._bitmaps: dict[int, bytes] = {}
        self._empty_roots: list[int] = []
        self._journal = False

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
        contents = self._system._joined(iter(sound), min(inode.size, room))
        most = self._system._geometry.most_file_blocks * BLOCK_SIZE
        contents = contents[:most]
        self._room[inode.kind] -= len(contents)
        if inode.kind == DIRECTORY:
            contents = contents[: len(contents) // ENTRY_SIZE * ENTRY_SIZE]
        self._rescued.append((inode, contents))

    def _bad_slot(self, directory: Inode, position: int, name: str, number: int) -> None:
        self._slots.setdefault(directory.number, []).append((position, name, number))

    def _no_dots(self, directory: Inode, name: str, number: int) -> None:
        self._dots.append((directory.number, name, number))

    def _bad_root(self, number: int) -> None:
        if number == ROOT_INODE:
            raise DamagedError(
                "the root directory cannot be read, and only it says where files are;"
                " restore the image"
            )
        self._empty_roots.append(number)
        self._inodes[number] = Inode(number, DIRECTORY)
        self._names[number] = 1

    def _bad_journal(self) -> None:
        self._journal = True

    def _bad_links(self, inode: Inode, links: int) -> None:
        self._counts.append((inode.number, links))

    def _bad_freemap(self, index: int, needed: bytes) -> None:
        self._bitmaps[index] = needed

    def _mend(self) -> None:
        system = self._system
        if self._journal:
            for number, data in empty_journal(system._geometry.journal):
                system._write(number, data)
        for index, needed in self._bitmaps.items():
            system._write(system._freemap[index], needed)
        for number in self._empty_roots:
            system._write_inode(Inode(number, DIRECTORY))
        # Directories first: other files depend on what is in them.
        self._fill_rescued(DIRECTORY)
        for number in self._slots.keys() - {inode.number for inode, _ in self._rescued}:
            directory = system._read_inode(number)
            mended = self._mended(number, system._contents(directory))
            for index, block in enumerate(system._data_blocks(directory)):
                if block:
                    system._write(block, mended[index * BLOCK_SIZE : (index + 1) * BLOCK_SIZE])
        for number, name, target in self._dots:
            directory = system._read_inode(number)
            entry = ENTRY.pack(target, name.encode())
            system._replace(directory, system._contents(directory) + entry)
        self._fill_rescued(FILE)
        for number, links in self._counts:
            system._write_inode(replace(system._read_inode(number), links=links))

    def _fill_rescued(self, kind: int) -> None:
        """Give the damaged files, or directories, the contents that were kept, if they fit."""
        for inode, contents in self._rescued:
            if inode.kind == kind:
                mended = self._mended(inode.number, contents)
                empty = replace(inode, pointers=NO_POINTERS)
                self._system._fill(empty, mended if self._fits(len(mended)) else b"")

    def _mended(self, number: int, contents: bytes) -> bytes:
        """A directory's contents with its bad entries changed."""
        changed = bytearray(contents)
        for position, name, child in self._slots.get(number, ()):
            if position >= len(changed):
                break  # That much of it could not be kept.
            stored = name.encode("latin-1")
            while name not in (".", "..") and self._is_taken(stored, changed):
                stored += b"~"
            ENTRY.pack_into(changed, position, child, stored if child else b"")
        return bytes(changed)

    def _is_taken(self, name: bytes, contents: bytearray) -> bool:
        return len(name) < NAME_LIMIT and name + b"\0" in contents

    def _fits(self, size: int) -> bool:
        blocks = -(-size // BLOCK_SIZE)
        pointers = (blocks - DIRECT_BLOCKS) // POINTERS_PER_BLOCK * 2 + LEVELS
        return self._system.free_blocks() >= blocks + max(pointers, 0)
