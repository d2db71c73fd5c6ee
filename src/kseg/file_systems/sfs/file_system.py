"""SFS: its superblock, its inodes, each of which fills a block, and names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from ..device import DamagedError, FileSystemError, SectorDevice
from ..file_system import FileSystem
from ..files import Inode
from ..format import BLOCK_SIZE, DIRECTORY, FILE, ROOT_INODE
from .journal import check_journal
from .layout import (
    DIRECT_BLOCKS,
    ENTRY,
    FEWEST_BLOCKS,
    INODE,
    LEVELS,
    MAGIC,
    MOST_LINKS,
    NAME_LIMIT,
    SUPERBLOCK,
    SUPERBLOCK_NUMBER,
    Geometry,
)

DOTS = (".", "..")


class SfsFileSystem(FileSystem):
    """The file system on a disk whose superblock has been checked. SFS keeps no times."""

    name = "SFS"
    direct_blocks, levels, has_holes = DIRECT_BLOCKS, LEVELS, True
    entry, name_limit, first_character, dots = ENTRY, NAME_LIMIT, " ", DOTS

    def __init__(self, disk: SectorDevice) -> None:
        """Open the file system on `disk`, after checking its superblock."""
        block = disk.read_sector(SUPERBLOCK_NUMBER)
        magic, blocks, label, journal_start, journal_blocks = SUPERBLOCK.unpack_from(block)
        if magic != MAGIC:
            raise FileSystemError(
                "this disk holds no SFS; make one with mksfs in OS/161,"
                " or with `kseg disk create --sfs`"
            )
        if not FEWEST_BLOCKS <= blocks <= disk.sectors:
            raise DamagedError(
                f"the superblock speaks of {blocks} blocks, the disk has {disk.sectors}; "
                "the image is cut short or damaged, restore it"
            )
        second_root = _has_second_root(disk)
        self._geometry = geometry = Geometry(blocks, second_root, journal_start, journal_blocks)
        if geometry.freemap.stop > blocks:
            raise DamagedError("the superblock is damaged; restore the image or format it anew")
        journal = geometry.journal
        if journal and not geometry.freemap.stop <= journal.start < journal.stop <= blocks:
            raise DamagedError(
                f"the journal is said to be in blocks {journal.start} to {journal.stop - 1}; "
                "the superblock is damaged, restore the image"
            )
        name = label.partition(b"\0")[0].decode("ascii", "backslashreplace")
        super().__init__(disk, blocks, geometry.freemap, name)

    @property
    def most_file_blocks(self) -> int:
        return self._geometry.most_file_blocks

    @contextmanager
    def together(self) -> Iterator[None]:
        check_journal(self._geometry.journal, self._read)
        with super().together():
            yield

    def check(self) -> tuple[str, ...]:
        from .check import SfsCheck

        return SfsCheck(self).run()

    def repair(self) -> tuple[str, ...]:
        from .repair import SfsRepair

        with super().together():
            return SfsRepair(self).run()

    def _is_for_files(self, number: int) -> bool:
        roots = ROOT_INODE + self._geometry.second_root
        return roots < number < self._geometry.blocks and not self._geometry.is_table(number)

    @staticmethod
    def _name_of(stored: bytes) -> str:
        return stored.partition(b"\0")[0].decode("latin-1")

    def _is_possible_name(self, name: str) -> bool:
        return 1 <= len(name) <= NAME_LIMIT and "/" not in name and ":" not in name

    # Inodes.

    def _read_inode(self, number: int) -> Inode:
        if number != ROOT_INODE and not (number == 2 and self._geometry.second_root):
            self._check_block(number, number)
        size, kind, links, *pointers = INODE.unpack_from(self._read(number))
        if kind not in (FILE, DIRECTORY):
            raise DamagedError(f"block {number} is no inode: its type is {kind}")
        if -(-size // BLOCK_SIZE) > self._most_blocks(pointers):
            raise DamagedError(f"inode {number} has {size} bytes, which no file has")
        if kind == DIRECTORY and size % ENTRY.size:
            raise DamagedError(f"directory inode {number} has {size} bytes, which no directory has")
        return Inode(number, kind, size, tuple(pointers), links)

    def _most_blocks(self, pointers: list[int]) -> int:
        """How many blocks a file may have: no more than the disk, either."""
        deep = any(pointers[DIRECT_BLOCKS + 1 :])
        most = self._disk.sectors if deep else self.most_file_blocks
        return min(most, self._geometry.blocks)

    def _write_inode(self, inode: Inode) -> None:
        pointers = inode.pointers or (0,) * (DIRECT_BLOCKS + LEVELS)
        self._write(inode.number, INODE.pack(inode.size, inode.kind, inode.links, *pointers))

    def _new_inode(self, kind: int) -> Inode:
        return Inode(self._allocate(), kind, links=2 if kind == DIRECTORY else 1)

    def _free_inode(self, number: int) -> None:
        self._set_used(number, False)

    def _link(self, inode: Inode, more: int) -> None:
        if inode.links + more > MOST_LINKS:
            raise FileSystemError("a directory has as many directories in it as there can be")
        self._write_inode(replace(inode, links=inode.links + more))


def _has_second_root(disk: SectorDevice) -> bool:
    """Whether block 2 is an inode. It is the freemap otherwise, in which the blocks of the
    superblock, the root and the freemap itself are in use; an inode would be larger than a disk
    if it began like this."""
    block = disk.read_sector(2)
    if block[0] & 7 == 7:
        return False
    _size, kind, *_ = INODE.unpack_from(block)
    return bool(disk.read_sector(3)[0] & 15 == 15 and (kind == DIRECTORY or not any(block)))
