import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg.errors import ConfigurationError
from kseg.machine.arguments import Arguments, c_number, size_in_bytes


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


def test_the_last_of_a_name_counts() -> None:
    arguments = Arguments("disk", ["rpm=60", "doom", "rpm=010", "nodoom"], "f: line 1")
    assert arguments.number("rpm", decimal=True) == 10
    assert arguments.last_flag("doom", "nodoom") == "nodoom"
    assert arguments.text("file") is None
    arguments.finish()


def test_what_nobody_asked_for_is_refused_with_what_is_known() -> None:
    arguments = Arguments("disk", ["rmp=60"], "f: line 1")
    arguments.number("rpm")
    with pytest.raises(ConfigurationError) as caught:
        arguments.finish()
    assert str(caught.value) == "f: line 1: disk: unknown argument 'rmp=' (known: rpm=)"


def test_bounds_are_told() -> None:
    arguments = Arguments("mainboard", ["cpus=33"], "f: line 2")
    with pytest.raises(ConfigurationError, match=r"cpus=33: .* from 1 to 32"):
        arguments.number("cpus", 1, 1, 32)
