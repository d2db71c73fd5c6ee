import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg.symbols.line_table import Line, LineTable
from tests.symbols.dwarf import FIXED, program, uleb, unit

FILES = ["main/menu.c", "lib/menu.c", "main/main.c"]
ROWS = [(0x80001000, 1, 10), (0x80001008, 1, 12), (0x80001010, 3, 5), (0x80001018, 1, 12)]


def table(data: bytes, order: str = "big") -> LineTable:
    sections = {".debug_line": data, ".debug_line_str": b"", ".debug_str": b""}
    return LineTable(sections, "big" if order == "big" else "little")


@pytest.mark.parametrize("version", [2, 3, 4, 5])
def test_lines_by_address_in_every_version(version: int) -> None:
    lines = table(unit(version, FILES, program(ROWS, 0x80001020)))
    assert lines.damage == ""
    assert lines.at(0x80000FFC) is None
    assert lines.at(0x80001000) == Line("main/menu.c", 10)
    assert lines.at(0x80001004) == Line("main/menu.c", 10)
    assert lines.at(0x80001014) == Line("main/main.c", 5)
    assert lines.at(0x8000101C) == Line("main/menu.c", 12)
    assert lines.at(0x80001020) is None
    assert str(lines.at(0x80001010)) == "main.c:5"


def test_little_endian() -> None:
    data = unit(4, ["a.c"], program([(0x1000, 1, 7)], 0x1008, "<"), "<")
    assert table(data, "little").at(0x1004) == Line("a.c", 7)


def test_addresses_by_line() -> None:
    lines = table(unit(5, FILES, program(ROWS, 0x80001020)))
    assert lines.addresses("main/menu.c", 10) == [0x80001000]
    assert lines.addresses("menu.c", 12) == [0x80001008, 0x80001018]
    assert lines.addresses("menu.c", 11) == [0x80001008, 0x80001018]  # The next with code.
    assert lines.addresses("main.c", 6) == []
    assert lines.addresses("enu.c", 10) == []
    assert lines.addresses("lib/menu.c", 10) == []


def test_special_opcodes() -> None:
    # Opcode 13 + (line advance + 5) + 14 * (address advance): the second row is 2 further, in
    # instructions, and 3 lines on; const_add_pc is the advance of opcode 255.
    code = b"\0\5\2" + struct.pack(">I", 0x1000) + bytes([13 + 5, 13 + 8 + 28, 8, 13 + 5])
    lines = table(unit(4, ["a.c"], code + b"\2\1\0\1\1"))
    assert lines.at(0x1000) == Line("a.c", 1)
    assert lines.at(0x1008) == Line("a.c", 4)
    assert len(lines) == 4
    assert lines.at(0x1008 + 4 * (242 // 14)) == Line("a.c", 4)


def test_what_is_unknown_is_passed_over() -> None:
    extended = b"\0" + uleb(4) + b"\x80abc"
    code = extended + program([(0x1000, 1, 9)], 0x1010)
    lines = table(unit(9, FILES, b"") + unit(3, FILES, code))
    assert lines.at(0x1000) == Line("main/menu.c", 9)
    assert lines.damage == ""


def test_code_that_was_left_out_is_at_zero() -> None:
    code = program([(0, 1, 9)], 0x10) + program([(0x1000, 1, 3)], 0x1010)
    lines = table(unit(4, FILES, code))
    assert lines.at(4) is None
    assert lines.at(0x1004) == Line("main/menu.c", 3)


def test_what_comes_before_the_damage_is_there() -> None:
    whole = unit(5, FILES, program(ROWS, 0x80001020))
    lines = table(whole + whole[:-20])
    assert lines.damage == "cut short"
    assert lines.at(0x80001000) == Line("main/menu.c", 10)


def test_many_files_without_bytes_are_refused() -> None:
    """Entries that take no bytes can be any number of them."""
    body = FIXED + b"\0" + uleb(1 << 60) + bytes(20)
    rest = struct.pack(">HBBI", 5, 4, 0, len(body)) + body
    lines = table(struct.pack(">I", len(rest)) + rest)
    assert "too many files" in lines.damage


@given(st.binary(max_size=80), st.integers(0, 5), st.integers(0, 200))
def test_any_bytes_give_a_table(noise: bytes, version: int, place: int) -> None:
    whole = bytearray(unit(max(version, 2), FILES, program(ROWS, 0x80001020)))
    whole[place % len(whole) : place % len(whole) + len(noise)] = noise
    lines = table(bytes(whole))
    lines.at(0x80001000)
    lines.addresses("menu.c", 12)
