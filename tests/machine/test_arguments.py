import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg.errors import ConfigurationError
from kseg.machine.arguments import Argument, Arguments, c_number, size_in_bytes


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0), ("10", 10), ("0x1F", 31), ("010", 8), ("-3", -3), ("+3", 3)]
)
def test_numbers_are_c_s(text: str, value: int) -> None:
    assert c_number(text) == value


@pytest.mark.parametrize("text", ["", "x", "1x", "08", "0x", "1 ", "१", "--1", "1e3"])
def test_other_numbers_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        c_number(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1), ("5b", 5), ("2s", 1024), ("1k", 1024), ("1K", 1024), ("3m", 3 << 20),
        ("3M", 3 << 20), ("1g", 1 << 30), ("2G", 2 << 30), ("0x10K", 16384),
    ],
)  # fmt: skip
def test_sizes_have_suffixes(text: str, value: int) -> None:
    assert size_in_bytes(text) == value


@pytest.mark.parametrize("text", ["", "K", "-1K", "1KB", "1.5M", "1 M", "09"])
def test_other_sizes_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a"):
        size_in_bytes(text)


@given(st.text(max_size=8))
def test_nothing_but_value_error_comes_out(text: str) -> None:
    for parse in (c_number, size_in_bytes):
        with contextlib.suppress(ValueError):
            assert isinstance(parse(text), int)


DECLARED = (
    Argument("rpm", "decimal", "", 3600),
    Argument("cpus", "number", "", 1, 1, 32),
    Argument("file", "text", ""),
    Argument("size", "size", ""),
    Argument("doom", "flag", ""),
    Argument("nodoom", "flag", ""),
)


def read(*words: str) -> dict[str, Any]:
    return Arguments("disk", words, "f: line 1").read(DECLARED)


def test_what_is_not_given_has_its_default() -> None:
    nothing = {"rpm": 3600, "cpus": 1, "file": None, "size": None, "doom": False, "nodoom": False}
    assert read() == nothing


def test_the_last_of_a_name_counts() -> None:
    given = read("rpm=60", "doom", "rpm=010", "nodoom", "size=1k", "file=a=b", "cpus=0x10")
    assert given == {
        "rpm": 10, "cpus": 16, "file": "a=b", "size": 1024, "doom": False, "nodoom": True
    }  # fmt: skip


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("rmp=60", "unknown argument 'rmp=' (known: cpus=, doom, file=, nodoom, rpm=, size=)"),
        ("doom=1", "unknown argument 'doom=' (known: cpus=, doom, file=, nodoom, rpm=, size=)"),
        ("file", "unknown argument 'file' (known: cpus=, doom, file=, nodoom, rpm=, size=)"),
        ("cpus=33", "cpus=33: expected a number from 1 to 32"),
        ("rpm=x", "rpm=x: expected a number"),
        ("size=x", "size=x: 'x' is not a size: give a number, then b, s, k, m, g or nothing"),
    ],
)
def test_what_is_wrong_is_said(word: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(word)
    assert str(caught.value) == f"f: line 1: disk: {message}"
