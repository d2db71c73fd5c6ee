"""The journal that variants of SFS have, as far as it must be known here.

A kernel that mounts such a file system carries out what the journal says, from the last checkpoint
on. Changes made before that would be undone, or be mixed up with the kernel's.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from ..device import DamagedError, FileSystemError
from ..format import BLOCK_SIZE

RECORD = struct.Struct(">Q")
"""A record's head: class (1 bit: 1 for what the file system itself wrote), type (7), length in
units of 2 bytes (8), number (48)."""
PAD, TRIM = 1, 2
"""Types of the container's own records: what fills up a block, and a checkpoint, which says from
which number on records count."""


def check_journal(journal: range, read: Callable[[int], bytes]) -> None:
    """Raise FileSystemError when a kernel has to carry out what the journal says."""
    if not journal:
        return
    records = [record for number in journal for record in _records(read(number))]
    trims = [(number, tail) for number, kind, own, tail in records if kind == TRIM and not own]
    if not trims:
        raise DamagedError("its journal has no checkpoint; restore the image")
    tail = max(trims)[1]
    if any(own and number >= tail for number, _, own, _ in records):
        raise FileSystemError(
            "its journal holds changes that may have to be carried out still; OS/161 does it when"
            " it mounts the disk, a repair drops them"
        )


def empty_journal(journal: range) -> Iterator[tuple[int, bytes]]:
    """The blocks, and what is in them, of a journal with nothing to carry out: a checkpoint, and
    the rest of its block filled up, as mksfs makes it."""
    first = RECORD.pack(TRIM << 56 | 8 << 48 | 1) + RECORD.pack(1)
    rest = RECORD.pack(PAD << 56 | (BLOCK_SIZE - len(first)) // 2 << 48 | 2)
    yield journal.start, first + rest
    for number in journal[1:]:
        yield number, b""


def _records(block: bytes) -> Iterator[tuple[int, int, bool, int]]:
    """A journal block's records: number, type, whether the file system wrote it, and, where it is
    a checkpoint, the number from which records count."""
    place = 0
    while place + RECORD.size <= BLOCK_SIZE:
        (head,) = RECORD.unpack_from(block, place)
        length = (head >> 48 & 0xFF) * 2
        if head == 0 or length < RECORD.size:
            return
        tail = 0
        if place + 2 * RECORD.size <= BLOCK_SIZE:
            (tail,) = RECORD.unpack_from(block, place + RECORD.size)
        yield head & (1 << 48) - 1, head >> 56 & 0x7F, bool(head >> 63), tail
        place += length
