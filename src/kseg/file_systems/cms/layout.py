"""Where everything lies on a disk, and what may stand there; every number is big endian."""

from __future__ import annotations

import struct
from dataclasses import dataclass

BLOCK_SIZE = 512
"""Bytes in a block; a block is one disk sector."""

MAGIC = 0x434D5346  # "CMSF"
VERSION = 1
ROOT_INODE = 1
INODE_SIZE = 64
INODES_PER_BLOCK = BLOCK_SIZE // INODE_SIZE
DIRECT_BLOCKS = 10
POINTERS_PER_BLOCK = BLOCK_SIZE // 4
ENTRY_SIZE = 32
NAME_LIMIT = 27
"""The longest file name, in characters."""

MAXIMUM_FILE_SIZE = BLOCK_SIZE * (DIRECT_BLOCKS + POINTERS_PER_BLOCK + POINTERS_PER_BLOCK**2)
"""The longest file, in bytes (8,459,264)."""

MINIMUM_BLOCKS = 8
MAXIMUM_BLOCKS = 0x00800000
BITS_PER_BLOCK = BLOCK_SIZE * 8

FREE, FILE, DIRECTORY = 0, 1, 2

SUPERBLOCK = struct.Struct(">10I16s")
CHECKSUM = struct.Struct(">I")
INODE = struct.Struct(">HHII10III4x")
ENTRY = struct.Struct(">I28s")
POINTERS = struct.Struct(f">{POINTERS_PER_BLOCK}I")


@dataclass(frozen=True)
class Geometry:
    """Where the parts of a file system lie; all follows from two numbers."""

    blocks: int
    inode_blocks: int

    @property
    def bitmap_blocks(self) -> int:
        return -(-self.blocks // BITS_PER_BLOCK)

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
