"""Compression, and what hostile frames are answered with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg.platform.compression import (
    CompressionError,
    compress,
    compress_pieces,
    content_size,
    decompress,
    decompress_pieces,
    has_checksum,
)


@given(st.binary(), st.integers(1, 9))
def test_what_comes_out_is_what_went_in(data: bytes, level: int) -> None:
    frame = compress(data, level)
    assert content_size(frame) == len(data)
    assert decompress(frame, len(data)) == data


@given(st.binary(max_size=60))
def test_other_bytes_are_one_error(data: bytes) -> None:
    with pytest.raises(CompressionError):
        content_size(b"no frame" + data)
    with pytest.raises(CompressionError):
        decompress(b"no frame" + data, 100)


@pytest.mark.parametrize("change", [lambda f: f[:-1], lambda f: f + b"x", lambda f: f + f])
def test_a_frame_and_nothing_else(change: object) -> None:
    frame = compress(b"some text", 1)
    with pytest.raises(CompressionError):
        decompress(change(frame), 9)  # type: ignore[operator]


@given(st.lists(st.binary(max_size=300), max_size=20), st.integers(1, 100))
def test_pieces_are_the_same(pieces: list[bytes], size: int) -> None:
    whole = b"".join(pieces)
    frame = b"".join(compress_pieces(pieces, len(whole), 1))
    assert has_checksum(frame)
    assert content_size(frame) == len(whole)
    assert decompress(frame, len(whole)) == whole
    found = list(decompress_pieces(frame, len(whole), size))
    assert b"".join(found) == whole
    assert all(len(piece) == size for piece in found[:-1])


@given(st.integers(0), st.integers(1, 255))
def test_a_checksum_finds_what_is_damaged(place: int, change: int) -> None:
    data = bytes(range(256)) * 40
    frame = bytearray(b"".join(compress_pieces([data], len(data), 1)))
    frame[place % len(frame)] ^= change
    try:
        assert b"".join(decompress_pieces(bytes(frame), len(data), 4096)) == data
    except CompressionError:
        return
    assert place % len(frame) < 6  # In the frame's header: other settings, the same data.


@pytest.mark.parametrize("size", [8, 10])
def test_pieces_of_another_size(size: int) -> None:
    frame = b"".join(compress_pieces([b"some text"], 9, 1))
    with pytest.raises(CompressionError):
        list(decompress_pieces(frame, size, 4))
    assert not has_checksum(compress(b"some text", 1))
