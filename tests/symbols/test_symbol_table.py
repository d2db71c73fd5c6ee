"""Symbols, and the files that they are read from."""

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg.api.guests import find_guest
from kseg.errors import KsegError
from kseg.isa.assembler import assemble
from kseg.symbols.executable import Executable, SymbolError
from kseg.symbols.symbol_file import SymbolFile, read_symbols
from kseg.symbols.symbol_table import Symbols
from tests.symbols.dwarf import call_frames, executable, program, unit

SOURCE = """
        jal     main
        nop
main:   addiu   v0, zero, 1
        jr      ra
        nop
other:  jr      ra
        nop
        .data
counter: .word 0, 0
"""
AT = assemble(f"__start:\n{SOURCE}").symbols
LINES = program([(AT["__start"], 1, 1), (AT["main"], 1, 20), (AT["other"], 1, 30)], AT["counter"])
FRAMES = call_frames([(AT["main"], 12, b"")])
WHOLE = executable(SOURCE, {".debug_line": unit(5, ["kern/main.c"], LINES), ".debug_frame": FRAMES})


def symbols() -> Symbols:
    return Symbols([SymbolFile(Executable(WHOLE))])


def test_addresses_have_names_and_lines() -> None:
    found = symbols()
    assert found.describe(AT["main"]) == "main (main.c:20)"
    assert found.describe(AT["main"] + 4) == "main+0x4 (main.c:20)"
    assert found.describe(AT["counter"] + 4) == "counter+0x4"
    assert found.describe(0x80001000 - 4) == "0x80000ffc"
    assert found.location(AT["counter"]).symbol.is_function is False
    assert found.location(AT["main"]).symbol == ("main", AT["main"], 12, True, False)


def test_behind_a_call_the_call_counts() -> None:
    """A function that never returns may be called by the last instruction of another."""
    found = symbols().location(AT["other"], after_call=True)
    assert str(found) == "main+0xc (main.c:20)"


def test_names_have_addresses() -> None:
    found = symbols()
    assert found.addresses("main") == [AT["main"]]
    assert found.addresses("main+0x4") == found.addresses("main+4") == [AT["main"] + 4]
    assert found.addresses("main.c:30") == [AT["other"]]
    assert found.addresses("0x1234") == [0x1234]
    for text in ("nothing", "nothing+4", "main.c:31", "other.c:1", ""):
        with pytest.raises(SymbolError, match=r"no (symbol|line) "):
            found.addresses(text)


def test_call_frames_come_from_the_file() -> None:
    file = symbols().files[0]
    assert file.call_frame(AT["main"]) is not None
    assert file.call_frame(AT["other"]) is None
    assert file.damage == ""


def test_a_bundled_guest() -> None:
    found = read_symbols(find_guest("cms").path)
    (kernel_main,) = found.named("kernel_main")
    assert found.location(kernel_main.address + 8).symbol.name == "kernel_main"
    assert found.code_range[0] <= kernel_main.address < found.code_range[1]
    assert read_symbols(find_guest("cms").path) is found


def test_a_file_that_has_changed_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "k"
    path.write_bytes(assemble("one: nop").to_elf())
    assert read_symbols(path).named("one")
    path.write_bytes(assemble("another: nop").to_elf())
    assert read_symbols(path).named("another")


def test_of_two_programs_at_one_address_that_in_memory_counts() -> None:
    files = []
    for name, number in (("a", 1), ("b", 2)):
        source = f"{name}: addiu v0, zero, {number}"
        files.append(SymbolFile(Executable(assemble(source).to_elf()), name))
    found, address = Symbols(files), files[0].symbols[0].address
    code = files[1].code_at(address, 64)
    assert found.describe(address) == "a"
    assert str(found.location(address, memory=lambda _at, length: code[:length])) == "b"
    assert str(found.location(address, memory=lambda _at, _length: None)) == "a"


def test_without_symbols_there_are_none() -> None:
    data = bytearray(assemble("main: nop").to_elf())
    struct.pack_into(">I", data, 32, 0)  # No section headers, as in a file stripped of them.
    struct.pack_into(">HHH", data, 46, 0, 0, 0)
    file = SymbolFile(Executable(bytes(data)))
    assert file.symbols == []
    assert file.code_range[0] == 0x80001000  # As its segment says.
    assert file.code_at(0x80001000, 4) == bytes(4)
    struct.pack_into(">H", data, 44, 0)  # No program headers either.
    with pytest.raises(SymbolError, match="no code in it"):
        _ = SymbolFile(Executable(bytes(data))).code_range
    assert Symbols([file]).describe(0x80001000) == "0x80001000"


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"", "not an ELF"), (b"#!/bin/sh\n", "not an ELF"), (WHOLE[:30], "damaged"),
     (WHOLE[:18] + b"\0\3" + WHOLE[20:], "not for a 32-bit MIPS")],
)  # fmt: skip
def test_what_is_no_executable(tmp_path: Path, data: bytes, text: str) -> None:
    path = tmp_path / "k"
    path.write_bytes(data)
    with pytest.raises(SymbolError, match=f"symbols {path}: .*{text}") as caught:
        read_symbols(path)
    assert "\n" not in str(caught.value)


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(SymbolError, match="No such file"):
        read_symbols(tmp_path / "k")
    with pytest.raises(SymbolError, match="not a file"):
        read_symbols(tmp_path)


def test_a_kernel_that_is_gone_has_no_symbols(tmp_path: Path) -> None:
    assert Symbols.read(tmp_path / "k").files == []
    with pytest.raises(SymbolError):
        Symbols.read(None, [tmp_path / "k"])


def look_at_all(data: bytes) -> None:
    """Whatever a file says of itself, KsegError is the worst that it brings."""
    try:
        file = SymbolFile(Executable(data))
    except KsegError:
        return
    for address in range(0x80001000, 0x80001040, 4):
        file.location(address)
        file.call_frame(address)
        file.starts_at(address)
    file.lines.addresses("main.c", 1)
    assert isinstance(file.damage, str)


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=8))
def test_damaged_files(changes: list[tuple[int, int]]) -> None:
    data = bytearray(WHOLE)
    for place, value in changes:
        data[place] = value
    look_at_all(bytes(data))


HEADERS = struct.unpack_from(">I", WHOLE, 32)[0]


@given(
    st.lists(
        st.tuples(st.integers(HEADERS // 4, len(WHOLE) // 4 - 1), st.sampled_from(
            [0, 1, 2, 3, 8, 0x7FFFFFFF, 0xFFFFFFFF, 0x800, 0x1000, len(WHOLE)])),
        min_size=1, max_size=6,
    )
)  # fmt: skip
def test_sections_that_lie(changes: list[tuple[int, int]]) -> None:
    data = bytearray(WHOLE)
    for place, value in changes:
        struct.pack_into(">I", data, 4 * place, value)
    look_at_all(bytes(data))


@given(st.integers(0, len(WHOLE)))
def test_cut_files(length: int) -> None:
    look_at_all(WHOLE[:length])


def test_code_that_lies_over_itself_is_read_once() -> None:
    """Thousands of sections with the same bytes are no thousands of copies."""
    data = bytearray(executable("nop", {"x": bytes(1 << 20)}))
    place, count = struct.unpack_from(">I", data, 32)[0], struct.unpack_from(">H", data, 48)[0]
    header = bytearray(data[place + 40 * (count - 1) : place + 40 * count])
    struct.pack_into(">I", header, 8, 6)  # Allocated code.
    data += header * 2000
    struct.pack_into(">H", data, 48, count + 2000)
    code = list(Executable(bytes(data)).code())
    assert sum(len(each) for _, each in code) == 32 << 20
