"""Packets: from bytes and to bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg.gdb.packets import (
    PACKET_SIZE,
    Malformed,
    Reader,
    Sign,
    address,
    contents,
    number,
    packet,
    pair,
)


def test_a_packet_has_a_checksum() -> None:
    assert packet(b"OK") == b"$OK#9a"
    assert packet(b"") == b"$#00"


def test_what_has_a_meaning_is_escaped() -> None:
    assert packet(b"a}b")[:5] == b"$a}]b"
    assert Reader().feed(packet(b"$#}*")) == [b"$#}*"]


@given(st.lists(st.binary(max_size=50), max_size=5), st.integers(1, 7))
def test_a_reader_finds_packets_however_the_stream_is_cut(data: list[bytes], size: int) -> None:
    stream = b"+".join(packet(each) for each in data)
    reader, found = Reader(), []
    for start in range(0, len(stream), size):
        found += reader.feed(stream[start : start + size])
    assert found == data


def test_signs_between_packets() -> None:
    assert Reader().feed(b"+\x03-$g#67junk") == [Sign.INTERRUPT, Sign.AGAIN, b"g"]


def test_what_is_damaged_is_said_so() -> None:
    reader = Reader()
    assert reader.feed(b"$g#00$g#zz$g#67") == [Sign.DAMAGED, Sign.DAMAGED, b"g"]
    assert reader.feed(b"$m1,$g#67") == [b"g"]


def test_an_endless_packet_takes_no_memory() -> None:
    reader = Reader()
    assert reader.feed(b"$" + b"a" * (4 * PACKET_SIZE)) == []
    assert reader.feed(b"#00") == [Sign.DAMAGED]
    assert reader.feed(b"$g#67") == [b"g"]


@given(st.binary(max_size=300))
def test_a_reader_takes_anything(data: bytes) -> None:
    reader = Reader()
    reader.feed(data)
    # Whatever it was left in the middle of.
    reader.feed(b"#00")
    assert reader.feed(packet(b"g"))[-1] == b"g"


def test_numbers() -> None:
    assert number(b"1F") == 31
    assert address(b"ffffffff80001000") == 0x80001000
    assert contents(b"00ff") == b"\0\xff"
    assert pair(b"1,2,3") == (b"1", b"2,3")
    for wrong in (b"", b"0x1", b"-1", b"1_0", b" 1", b"g", b"1" * 17):
        with pytest.raises(Malformed):
            number(wrong)
    for wrong in (b"0", b"zz", b"\xff\xff"):
        with pytest.raises(Malformed):
            contents(wrong)
    with pytest.raises(Malformed):
        pair(b"1")
