from hypothesis import given
from hypothesis import strategies as st

from kseg.symbols.call_frames import CallFrame, CallFrames
from tests.symbols.dwarf import call_frames, uleb

PROLOGUE = bytes([0x44, 0x0E, 24, 0x44, 0x80 | 31, 1, 0x80 | 16, 2])
"""After 4 bytes the frame has 24; after 4 more, ra and s0 are saved at -4 and -8."""


def test_frames_by_address() -> None:
    frames = CallFrames(call_frames([(0x1000, 0x40, PROLOGUE), (0x1040, 0x20, b"")]), "big")
    assert len(frames) == 2
    assert frames.at(0xFFC) is None
    assert frames.at(0x1000) == CallFrame(29, 0, {})
    assert frames.at(0x1004) == CallFrame(29, 24, {})
    assert frames.at(0x1008) == frames.at(0x103C) == CallFrame(29, 24, {31: -4, 16: -8})
    assert frames.at(0x1040) == CallFrame(29, 0, {})
    assert frames.at(0x1060) is None


def test_a_frame_pointer() -> None:
    frames = CallFrames(call_frames([(0, 16, bytes([0x0C, 30, 32]))]), "big")
    assert frames.at(8) == CallFrame(30, 32, {})


def test_what_is_not_understood_is_unknown() -> None:
    expression = bytes([0x0F, 2, 0x7D, 0])
    foreign_register = bytes([0x0C]) + uleb(1000) + b"\0"
    frames = CallFrames(call_frames([(0, 16, expression), (16, 16, foreign_register)]), "big")
    assert frames.at(4) is None
    assert frames.at(20) is None


def test_little_endian() -> None:
    frames = CallFrames(call_frames([(0x1000, 0x40, PROLOGUE)], "<"), "little")
    assert frames.at(0x1010) == CallFrame(29, 24, {31: -4, 16: -8})


def test_damage_leaves_none() -> None:
    whole = call_frames([(0x1000, 0x40, PROLOGUE)])
    frames = CallFrames(whole[:-3], "big")
    assert len(frames) == 0
    assert frames.damage
    assert CallFrames(b"", "big").damage == ""


@given(st.binary(max_size=30), st.integers(0, 200))
def test_any_bytes_give_frames(noise: bytes, place: int) -> None:
    whole = bytearray(call_frames([(0x1000, 0x40, PROLOGUE), (0x1040, 0x20, b"")]))
    whole[place % len(whole) : place % len(whole) + len(noise)] = noise
    frames = CallFrames(bytes(whole), "big")
    for address in range(0xFF0, 0x1070, 4):
        frames.at(address)
