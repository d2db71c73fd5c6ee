"""Compression (Zstandard), and decompression of what may be hostile."""

from typing import Any

import zstandard

MOST_WINDOW = 1 << 27
"""Bytes that what is decompressed may refer back to."""


class CompressionError(ValueError):
    """Data is not what `compress` gives."""


def compress(data: bytes, level: int) -> bytes:
    """One frame, which says how long `data` is."""
    return zstandard.ZstdCompressor(level=level, write_content_size=True).compress(data)


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


def _attempt(function: Any, *arguments: Any, **more: Any) -> Any:
    try:
        return function(*arguments, **more)
    except zstandard.ZstdError as error:
        raise CompressionError(str(error)) from None
