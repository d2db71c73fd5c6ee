"""What the formats have in common: inodes that refer to blocks, directly and through blocks of
block numbers; directories as files; a bitmap of the blocks in use. Numbers are big endian."""

from __future__ import annotations

import struct

BLOCK_SIZE = 512
"""Bytes in a block; a block is one disk sector."""
BITS_PER_BLOCK = BLOCK_SIZE * 8
POINTERS_PER_BLOCK = BLOCK_SIZE // 4
POINTERS = struct.Struct(f">{POINTERS_PER_BLOCK}I")

ROOT_INODE = 1
FILE, DIRECTORY = 1, 2
"""Kinds of inodes."""


def most_blocks(direct: int, levels: int) -> int:
    """Of a file's contents, where an inode has `direct` pointers to blocks, and one for each of the
    `levels` of indirect blocks."""
    indirect: int = sum(POINTERS_PER_BLOCK**level for level in range(1, levels + 1))
    return direct + indirect
