"""Names of the programs that come with a guest, by the code in memory."""

from pathlib import Path

import pytest

from kseg import Machine
from kseg.api.guests import IMAGES
from kseg.symbols.programs import read_programs
from kseg.symbols.symbol_table import Symbols

LIBRARY = IMAGES / "cms-programs.zip"


def test_every_function_is_found_by_its_code() -> None:
    symbols = Symbols([], LIBRARY)
    for file in read_programs(LIBRARY):
        for symbol in file.symbols:
            if symbol.is_function:
                found = symbols.location(symbol.address, memory=file.code_at)
                assert found is not None
                assert found.symbol.name in {each.name for each in file.named(symbol.name)} | {
                    each.name for each in file.symbols if each.address == symbol.address
                }


def test_nothing_is_guessed_without_memory_or_for_other_code() -> None:
    symbols = Symbols([], LIBRARY)
    assert symbols.location(0x400000) is None
    assert symbols.location(0x400000, memory=lambda _address, length: bytes(length)) is None
    assert symbols.location(0x80000000, memory=lambda _address, length: bytes(length)) is None
    assert symbols.file_at(0x400000, lambda _address, _length: None) is None


@pytest.mark.parametrize("contents", [None, b"", b"PK", b"no archive"])
def test_no_library_is_no_error(tmp_path: Path, contents: bytes | None) -> None:
    path = tmp_path / "library.zip"
    if contents is not None:
        path.write_bytes(contents)
    assert read_programs(path) == ()


@pytest.mark.parametrize(("kernel", "monitor"), [("cms", "bare"), ("cms-kuseg", "hybrid")])
def test_a_profile_names_functions_of_programs(kernel: str, monitor: str) -> None:
    options = {"engine": "interpreter", "monitor": monitor}
    with Machine(kernel, "crc 20000; halt", **options) as machine:
        profile = machine.profile(seconds=60)
    names = {caller.name for stack in profile.stacks for caller in stack if caller.user}
    assert {"start", "main"} <= names
    assert "[user]" not in names


def test_a_back_trace_goes_into_the_program_that_runs() -> None:
    with Machine("cms", "sort 5000; halt", engine="interpreter") as machine:
        machine.run(until="(4096 kB")
        machine.run(until=lambda: machine.processors[0].in_user_mode, seconds=1)
        machine.run(cycles=200_000)
        names = [frame.name for frame in machine.backtrace().frames]
        assert names[-1] == "start"
        assert "[user]" not in names
