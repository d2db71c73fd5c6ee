"""What becomes of the keys before a guest sees them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg.cli.console.keyboard import EscapeKey, LineEnds


class Taker:
    def __init__(self) -> None:
        self.taken: list[bytes | str] = []

    def type(self, data: bytes) -> None:
        self.taken.append(data)

    def command(self, letter: str) -> None:
        self.taken.append(letter)

    def end_of_input(self) -> None:
        raise AssertionError


@pytest.mark.parametrize(
    ("typed", "taken"),
    [
        ([b"hello"], [b"hello"]),
        ([b"ab\x01xcd"], [b"ab", "x", b"cd"]),
        ([b"ab\x01", b"xcd"], [b"ab", "x", b"cd"]),
        ([b"\x01\x01"], [b"\x01"]),
        ([b"a\x01\x01b\x01h"], [b"a\x01b", "h"]),
        ([b"\x01"], []),
    ],
)
def test_the_escape_key(typed: list[bytes], taken: list[bytes | str]) -> None:
    taker = Taker()
    key = EscapeKey(1, taker)
    for data in typed:
        key.type(data)
    assert taker.taken == taken


def test_no_escape_key() -> None:
    taker = Taker()
    EscapeKey(None, taker).type(b"\x00\x01x")
    assert taker.taken == [b"\x00\x01x"]


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        (b"a\nb\n", b"a\rb\r"),
        (b"a\r\nb\r\n", b"a\rb\r"),
        (b"a\rb\r", b"a\rb\r"),
        (b"\n\n\r\n\r\n", b"\r\r\r\r"),
        (b"", b""),
    ],
)
def test_line_ends(text: bytes, typed: bytes) -> None:
    assert LineEnds().typed(text) == typed


@given(st.lists(st.text("a\r\n").map(str.encode)))
def test_line_ends_do_not_depend_on_how_a_text_comes(pieces: list[bytes]) -> None:
    ends = LineEnds()
    whole = b"".join(pieces)
    assert b"".join(ends.typed(piece) for piece in pieces) == LineEnds().typed(whole)
