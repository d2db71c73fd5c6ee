"""Bytes for a person to read, as in System/161's state dump."""

from collections.abc import Iterator

_ZEROS = bytes(16)


def hex_dump(data: bytes | memoryview) -> Iterator[str]:
    """A line for each 16 bytes; runs of zeros after the first line become one `*`."""
    skipping = False
    for offset in range(0, len(data), 16):
        row = bytes(data[offset : offset + 16])
        if row == _ZEROS and offset:
            if not skipping:
                yield "       *"
            skipping = True
            continue
        skipping = False
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        yield f"{offset:6x}:{row.hex(' ')} {text}"
    yield f"{len(data):6x}:"
