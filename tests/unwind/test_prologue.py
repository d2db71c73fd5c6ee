import pytest

from kseg.isa.assembler import assemble
from kseg.symbols.call_frames import CallFrame
from kseg.unwind.prologue import find_start, frame_at

SOURCE = """
first:  jr      ra
        nop
start:  addiu   sp, sp, -40
        sw      ra, 36(sp)
        sw      s1, 32(sp)
        sw      s0, 28(sp)
        sw      a0, 40(sp)
        beqz    a0, 1f
        nop
        lw      ra, 36(sp)
        lw      s0, 28(sp)
middle: jr      ra
        addiu   sp, sp, 40
1:      jal     first
        nop
end:    nop
"""
PROGRAM = assemble(SOURCE)
AT = PROGRAM.symbols


def words(address: int) -> int | None:
    place = address - PROGRAM.origin
    code = PROGRAM.code[place : place + 4] if place >= 0 else b""
    return int.from_bytes(code, "big") if len(code) == 4 else None


FULL = CallFrame(29, 40, {31: -4, 17: -8, 16: -12})


@pytest.mark.parametrize(
    ("offset", "frame"),
    [
        (0, CallFrame(29, 0, {})),
        (4, CallFrame(29, 40, {})),
        (8, CallFrame(29, 40, {31: -4})),
        (20, FULL),
        (36, FULL),
        (44, FULL),  # behind the return in its middle
        (52, FULL),
    ],
)
def test_frames(offset: int, frame: CallFrame) -> None:
    assert frame_at(AT["start"], AT["start"] + offset, words) == frame


def test_a_frame_pointer() -> None:
    source = "addiu sp, sp, -32\nsw ra, 28(sp)\nsw fp, 24(sp)\nmove fp, sp\nsubu sp, sp, t0\nnop"
    code = assemble(source).code

    def word(address: int) -> int:
        return int.from_bytes(code[address : address + 4], "big")

    assert frame_at(0, 20, word) == CallFrame(30, 32, {31: -4, 30: -8})
    assert frame_at(0, 12, word) == CallFrame(29, 32, {31: -4, 30: -8})


def test_behind_a_call_of_the_tail_kind() -> None:
    """The frame is given up in the jump's delay slot; what follows is in the function's middle."""
    source = "addiu sp, sp, -32\nsw ra, 28(sp)\nlw ra, 28(sp)\n{}\naddiu sp, sp, 32\nnop\nnop"
    for jump in ("jr t9", "j 0x80002000", "b .", "jr ra"):
        code = assemble(source.format(jump)).code
        found = frame_at(0, 24, lambda at, code=code: int.from_bytes(code[at : at + 4], "big"))
        assert found == CallFrame(29, 32, {31: -4})


def test_where_a_function_begins() -> None:
    assert find_start(AT["start"] + 24, words) == AT["start"]
    assert find_start(AT["end"], words) == AT["middle"] + 8
    assert find_start(AT["first"] + 4, words) is None


def test_what_is_not_there() -> None:
    assert frame_at(0x1000, 0x1010, words) is None
    assert frame_at(0, 1 << 20, lambda _address: 0) is None
    assert find_start(0x80000000, lambda _address: 0) is None
