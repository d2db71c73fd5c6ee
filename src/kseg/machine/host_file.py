"""Files of the host's, read with a limit."""

from typing import BinaryIO

_PIECE = 1 << 20


def read_at_most(file: BinaryIO, most: int) -> bytes:
    """All that is in a file; of one that is larger than `most` bytes, some more than that. Takes
    memory for what is there, and not for what could be."""
    pieces, size = [], 0
    while size <= most and (piece := file.read(_PIECE)):
        pieces.append(piece)
        size += len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
