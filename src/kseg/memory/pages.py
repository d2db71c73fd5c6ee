"""Pages of memory: the unit in which its contents are kept, shared, watched and compared."""

import re
from collections.abc import Iterator

PAGE_SIZE = 4096
"""Bytes: the R3000's, whatever the host's are."""
ZERO_PAGE = bytes(PAGE_SIZE)
PAGES_AT_ONCE = 16
"""Pages that are read, written or compressed together: few enough for memory that has just been
used, for what is touched first costs more than a copy."""


def runs(marks: bytes) -> Iterator[tuple[int, int]]:
    """Of bytes 0 and 1: where each run of ones begins and ends."""
    return (found.span() for found in re.finditer(b"\x01+", marks))
