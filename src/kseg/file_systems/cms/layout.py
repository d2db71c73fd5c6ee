"""Where everything lies on a disk, and what may stand there; every number is big endian."""

from __future__ import annotations

import struct
from typing import NamedTuple

from ..format import BITS_PER_BLOCK, BLOCK_SIZE, ROOT_INODE, most_blocks

MAGIC = 0x434D5346  # "CMSF"
VERSION = 1
INODE_SIZE = 64
INODES_PER_BLOCK = BLOCK_SIZE // INODE_SIZE
DIRECT_BLOCKS = 10
LEVELS = 2
NAME_LIMIT = 27
"""The longest file name, in characters."""

MAXIMUM_FILE_SIZE = BLOCK_SIZE * most_blocks(DIRECT_BLOCKS, LEVELS)
"""The longest file, in bytes (8,459,264)."""

MINIMUM_BLOCKS = 8
MAXIMUM_BLOCKS = 0x00800000

FREE = 0
"""The kind of an inode that is none."""

SUPERBLOCK = struct.Struct(">10I16s")
CHECKSUM = struct.Struct(">I")
INODE = struct.Struct(f">HHII{DIRECT_BLOCKS + LEVELS}I4x")
"""Kind, 0, size, time, pointers."""
ENTRY = struct.Struct(">I28s")


class Geometry(NamedTuple):
    """Where the parts of a file system lie; all follows from two numbers."""

    blocks: int
    inode_blocks: int

    @property
    def bitmap_blocks(self) -> int:
        return -(-self.blocks // BITS_PER_BLOCK)

    @property
    def bitmap(self) -> bytearray:
        """Of an empty file system: the tables are in use, and so is what lies past the end."""
        size = self.bitmap_blocks * BLOCK_SIZE
        bits = (1 << size * 8) - (1 << self.blocks) | (1 << self.data_start) - 1
        return bytearray(bits.to_bytes(size, "little"))

    @property
    def inode_start(self) -> int:
        return 1 + self.bitmap_blocks

    @property
    def inodes(self) -> int:
        return self.inode_blocks * INODES_PER_BLOCK

    @property
    def data_start(self) -> int:
        return self.inode_start + self.inode_blocks

    def superblock(self, label: bytes) -> bytes:
        fields = SUPERBLOCK.pack(
            MAGIC, VERSION, BLOCK_SIZE, self.blocks, 1, self.bitmap_blocks,
            self.inode_start, self.inode_blocks, self.data_start, ROOT_INODE, label,
        )  # fmt: skip
        body = fields.ljust(BLOCK_SIZE - 4, b"\0")
        return body + CHECKSUM.pack(checksum(body))


def checksum(body: bytes) -> int:
    """The sum of the superblock's first 127 words, modulo 2**32, inverted."""
    words: tuple[int, ...] = struct.unpack(f">{len(body) // 4}I", body)
    return ~sum(words) & 0xFFFFFFFF
