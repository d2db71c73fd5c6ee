"""Compression (Zstandard), and decompression of what may be hostile."""

from collections.abc import Iterable, Iterator
from typing import Any

import zstandard

MOST_WINDOW = 1 << 27
"""Bytes that what is decompressed may refer back to."""


class CompressionError(ValueError):
    """Data is not what `compress` gives."""


def compress(data: bytes, level: int) -> bytes:
    """One frame, which says how long `data` is."""
    return zstandard.ZstdCompressor(level=level, write_content_size=True).compress(data)


def compress_pieces(pieces: Iterable[bytes], size: int, level: int) -> list[bytes]:
    """One frame, in pieces, of what all the pieces are together: `size` bytes. It has a checksum.
    No copy of the whole is made: memory that is touched for the first time costs more than
    compressing does."""
    compressor = zstandard.ZstdCompressor(
        level=level, write_content_size=True, write_checksum=True
    ).compressobj(size=size)
    found = [compressor.compress(piece) for piece in pieces]
    found.append(compressor.flush())
    return [piece for piece in found if piece]


def has_checksum(frame: bytes) -> bool:
    """Whether `decompress` finds out when the frame is damaged. CompressionError for none."""
    return bool(_attempt(zstandard.get_frame_parameters, frame).has_checksum)


def content_size(frame: bytes) -> int:
    """How many bytes a frame says that it holds; -1 if it does not. CompressionError for none."""
    size: int = _attempt(zstandard.frame_content_size, frame)
    return size


def decompress(frame: bytes, size: int) -> bytes:
    """What is in a frame, which is `size` bytes or less, and nothing behind it; CompressionError.
    Takes memory for so much."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=MOST_WINDOW)
    found: bytes = _attempt(
        decompressor.decompress, frame, max_output_size=size, allow_extra_data=False
    )
    return found


def decompress_pieces(frame: bytes, size: int, piece: int) -> Iterator[bytes]:
    """What is in a frame of exactly `size` bytes, in pieces of `piece` bytes but for the last one;
    CompressionError as soon as it is none. Takes memory for a piece."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=MOST_WINDOW)
    reader = decompressor.stream_reader(frame, read_size=piece)
    while size:
        data: bytes = _attempt(reader.read, min(piece, size))
        if not data:
            raise CompressionError("it is cut short")
        size -= len(data)
        yield data
    if _attempt(reader.read, 1):
        raise CompressionError("it goes on after its end")


def _attempt(function: Any, *arguments: Any, **more: Any) -> Any:
    try:
        return function(*arguments, **more)
    except zstandard.ZstdError as error:
        raise CompressionError(str(error)) from None
