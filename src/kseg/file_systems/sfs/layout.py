"""Where things lie on a disk with SFS, and what may stand there; every number is big endian.

OS/161, kern/include/kern/sfs.h.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ..format import BITS_PER_BLOCK, BLOCK_SIZE, ROOT_INODE, most_blocks

MAGIC = 0xABADF001
SUPERBLOCK_NUMBER = 0
FEWEST_BLOCKS = 8

DIRECT_BLOCKS = 15
LEVELS = 3
"""An inode has pointers to a single, a double and a triple indirect block, where the variant of SFS
has them."""

MOST_LINKS = 0xFFFF
NAME_LIMIT = 59
"""The longest file name, in characters: a NUL follows."""
LABEL_LIMIT = 31

SUPERBLOCK = struct.Struct(">II32sII")
"""Magic, blocks, label; where the journal begins and how many blocks it has."""
INODE = struct.Struct(f">IHH{DIRECT_BLOCKS + LEVELS}I")
"""Size, type, links; pointers. An inode fills a block, whose number is its own."""
ENTRY = struct.Struct(">I60s")


@dataclass(frozen=True)
class Geometry:
    """Where the parts of a file system lie.

    `second_root` says that block 2 is an inode and the freemap comes after it: some kernels keep
    files there that are open, but have no name any more. `levels` is how deep files' pointers go.
    """

    blocks: int
    second_root: bool = False
    journal_start: int = 0
    journal_blocks: int = 0

    @property
    def freemap_start(self) -> int:
        return 3 if self.second_root else 2

    @property
    def freemap_blocks(self) -> int:
        return -(-self.blocks // BITS_PER_BLOCK)

    @property
    def journal(self) -> range:
        return range(self.journal_start, self.journal_start + self.journal_blocks)

    @property
    def freemap(self) -> range:
        return range(self.freemap_start, self.freemap_start + self.freemap_blocks)

    @property
    def levels(self) -> int:
        return LEVELS if self.second_root or self.journal_blocks else 1

    @property
    def most_file_blocks(self) -> int:
        """Of a file's contents, at most."""
        return most_blocks(DIRECT_BLOCKS, self.levels)

    def is_table(self, number: int) -> bool:
        """Whether a block is the superblock, or part of the freemap or the journal."""
        return number == SUPERBLOCK_NUMBER or number in self.freemap or number in self.journal


def freemap_of(geometry: Geometry) -> bytearray:
    """A freemap in which the tables and what lies past the end are in use."""
    bits = bytearray(geometry.freemap_blocks * BLOCK_SIZE)
    roots = range(ROOT_INODE, 3 if geometry.second_root else 2)
    past = range(geometry.blocks, len(bits) * 8)
    for numbers in (range(1), roots, geometry.freemap, geometry.journal, past):
        for number in numbers:
            bits[number // 8] |= 1 << number % 8
    return bits
