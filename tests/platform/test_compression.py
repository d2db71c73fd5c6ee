"""Compression, and what hostile frames are answered with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg.platform.compression import CompressionError, compress, content_size, decompress


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
