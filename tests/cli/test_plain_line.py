"""Command lines that are read without click mean what they mean with it."""

from typing import Any

import click
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kseg.cli.commands import declared
from kseg.cli.plain_line import read
from kseg.cli.tree import kseg
from kseg.errors import KsegError

COMMANDS = ("run", "profile", "trace", "compare", "explore", "sys161")
"""Those with a guest's words."""

SPELLINGS = sorted(
    {
        spelling
        for name in COMMANDS
        for parameter in declared(name).as_click().params
        for spelling in (*parameter.opts, *parameter.secondary_opts)
        if spelling.startswith("-")
    }
)
VALUES = [
    "1",
    "0",
    "-1",
    "1M",
    "auto",
    "fast",
    "x",
    "",
    "-",
    "^A",
    "none",
    "5:s.kseg",
    "a,b",
    "0.5",
]
WORDS = st.one_of(
    st.sampled_from(SPELLINGS),
    st.sampled_from([*VALUES, "cms", "halt", "--", "-lx", "-c", "--help", "--fly", "-h"]),
    st.builds("{}={}".format, st.sampled_from(SPELLINGS), st.sampled_from(VALUES)),
)


def by_click(name: str, words: list[str]) -> dict[str, Any] | None:
    """The values that click reads; None where it refuses, or shows help."""
    parent = click.Context(kseg, **kseg.context_settings)
    try:
        return declared(name).as_click().make_context(name, words, parent).params
    except (click.ClickException, click.exceptions.Exit, KsegError):
        return None


@pytest.mark.parametrize("name", COMMANDS)
@given(words=st.lists(WORDS, max_size=8))
@example(words=["cms", "halt"])
@example(words=["--cpus", "2", "--disk", "a", "--disk=b", "cms", "-1", "--stats", "-", "--", "-c"])
@example(words=["cms", "--no-report", "a", "--pace", "real", "--escape", "^]"])
def test_both_readers_agree(name: str, words: list[str]) -> None:
    found = read(declared(name), list(words))
    if found is not None:
        assert found == by_click(name, list(words))


@pytest.mark.parametrize(
    "words",
    [
        ["cms", "halt"],
        ["--from", "it.kseg"],
        ["--cpus", "2", "--ram=8M", "--overlay", "cms", "--pace", "fast", "--stats", "-"],
        ["-c", "sys161.conf", "--no-report", "--max-cycles", "1000", "cms", "p cat;halt"],
    ],
)
def test_plain_lines_need_no_click(words: list[str]) -> None:
    assert read(declared("run"), words) is not None


@pytest.mark.parametrize(
    "words",
    [
        ["kernel", "q"],
        [
            "-X",
            "-c",
            "other.conf",
            "-Z",
            "60",
            "-D",
            "0",
            "kernel",
            "p testbin/sort",
            "-x",
            "--",
            "q",
        ],
        ["-C", "31:ramsize=4M", "-C", "29:x", "-w", "-p", "1234", "--pace", "real", "--", "kernel"],
    ],
)
def test_neither_do_system161_s(words: list[str]) -> None:
    assert read(declared("sys161"), words) is not None


def test_a_command_of_its_own_kind_is_left_to_click() -> None:
    assert read(declared("guests"), []) is None


@pytest.mark.parametrize(
    "words",
    [[], ["--cpus", "33", "cms"], ["--cpus"], ["cms", "--fly"], ["--pace", "x", "cms"], ["--help"]],
)
def test_what_click_refuses_is_not_read(words: list[str]) -> None:
    found = read(declared("run"), words)
    assert found is None or found == by_click("run", words)
