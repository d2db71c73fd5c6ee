import contextlib
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg.errors import ImageError
from kseg.machine.elf import load_image, parse_image, read_image
from kseg.memory.physical import PhysicalMemory

Header = tuple[int, int, int, int, int, int, int, int]


def elf(
    *segments: Header,
    entry: int = 0x80000080,
    kind: int = 2,
    machine: int = 8,
    payload: bytes = b"",
) -> bytes:
    """A big-endian executable whose payload starts at 0x1000."""
    header = b"\x7fELF\1\2\1" + bytes(9)
    header += struct.pack(
        ">HHIIIIIHHHHHH", kind, machine, 1, entry, 52, 0, 0, 52, 32, len(segments), 0, 0, 0
    )
    table = b"".join(struct.pack(">8I", *segment) for segment in segments)
    return (header + table).ljust(0x1000, b"\0") + payload


def load(address: int, size: int, in_file: int, offset: int = 0x1000) -> Header:
    return (1, offset, address, 0xDEAD0000, in_file, size, 5, 4)


def test_segments_go_where_their_virtual_addresses_say() -> None:
    memory = PhysicalMemory(1 << 20)
    memory.write(0x80, b"\xff" * 32)
    image = parse_image(elf(load(0x80000080, 16, 4), load(0xA0001000, 2, 2), payload=b"abcd"))
    load_image(image, memory)
    assert memory.read(0x80, 17) == b"abcd" + bytes(12) + b"\xff"
    assert memory.read(0x1000, 2) == b"ab"
    assert image.entry == 0x80000080


def test_segment_types_of_today_s_linkers_are_skipped() -> None:
    others = [(kind, 0, 0, 0, 0, 0, 0, 0) for kind in (0, 4, 6, 0x70000000, 0x70000003, 0x6474E551)]
    assert len(parse_image(elf(*others, load(0x80000000, 4, 4), payload=b"abcd")).segments) == 1


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "not an ELF executable"),
        (b"#!/bin/sh\n", "not an ELF executable"),
        (elf()[:40], "cut short"),
        (b"\x7fELF\2" + elf()[5:], "not a 32-bit"),
        (b"\x7fELF\1\1" + elf()[6:], "wrong byte order; this machine is big endian"),
        (b"\x7fELF\1\2\0" + elf()[7:], "ELF version"),
        (elf(kind=1), "not linked"),
        (elf(kind=3), "not linked"),
        (elf(machine=62), "for processor type 62, not MIPS"),
        (elf(entry=0x80000001), "not a multiple of 4"),
        (elf(), "no segments"),
        (elf(load(0x80000000, 4, 4)), "cut short: the segment"),
        (elf(load(0x80000000, 4, 4, 0xFFFFFFFF)), "cut short: the segment"),
        (elf(*[load(0x80000000, 4, 4)] * 1000)[:3000], "program headers are missing"),
    ],
)
def test_what_cannot_be_loaded_is_named(data: bytes, text: str) -> None:
    with pytest.raises(ImageError) as caught:
        parse_image(data, "k")
    assert str(caught.value).startswith("kernel k: ")
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("address", "size", "text"),
    [
        (0x00400000, 16, "not in kseg0 or kseg1"),
        (0xC0000000, 16, "not in kseg0 or kseg1"),
        (0xBFFFFFF0, 32, "not in kseg0 or kseg1"),
        (0x80000000, 0x10000, "does not fit into 64K of RAM"),
        (0x80000000, 0xFFFFFFFF, "not in kseg0"),
        (0x8000FFF0, 32, "does not fit"),
    ],
)
def test_segments_that_do_not_fit(address: int, size: int, text: str) -> None:
    image = parse_image(elf(load(address, size, 0)))
    with pytest.raises(ImageError, match=text):
        load_image(image, PhysicalMemory(0x10000))


def test_files(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="No such file"):
        read_image(tmp_path / "kernel")
    with pytest.raises(ImageError, match="directory"):
        read_image(tmp_path)
    (tmp_path / "kernel").write_bytes(elf(load(0x80000000, 4, 4), payload=b"abcd"))
    assert read_image(tmp_path / "kernel").segments[0].data == b"abcd"


VALID = elf(load(0x80000000, 8, 4), load(0x80000100, 8, 4), payload=b"abcd")


@given(st.binary(max_size=200))
def test_no_bytes_do_worse_than_an_image_error(data: bytes) -> None:
    for prefix in (b"", VALID[:7]):
        with contextlib.suppress(ImageError):
            parse_image(prefix + data)


@given(st.lists(st.tuples(st.integers(0, 120), st.integers(0, 255)), max_size=6))
def test_no_damage_does_worse_than_an_image_error(damage: list[tuple[int, int]]) -> None:
    data = bytearray(VALID)
    for position, value in damage:
        data[position] = value
    with contextlib.suppress(ImageError):
        load_image(parse_image(bytes(data)), PhysicalMemory(0x10000))
