"""Guests that try what they should not: the monitor stays whole, and sees the same.

A guest is one file, guests/NAME.s: after `#=` how it ends, after `#>` what it prints in the end,
and after `#+` which files it shares with others: the first comes behind it, the rest before.
"""

from functools import cache
from pathlib import Path

import pytest

from kseg.isa.assembler import Program, assemble
from tests.monitor.observed import MEASURE, Ending, Visible, booted, differences, run_to, visible

MONITORS = [
    # Monitor and engine; ("bare", "interpreter") is what all are compared with.
    ("bare", "reference"),
    ("bare", "translator"),
    ("trap-and-emulate", "interpreter"),
    ("hybrid", "interpreter"),
]

GUESTS = sorted((Path(__file__).parent / "guests").glob("*.s"))
REGISTERS = """
        .equ    SERIAL, 0xbfe00000
        .equ    TIMER, 0xbffd0000
        .equ    CONTROL, 0xbfff7e00
"""
LOOKS = (*range(1, 40), *range(100, 3_000, 61), 10_000, 30_000, 100_000)
"""Cycles at which everything is compared."""
LAST_CYCLE = 4_000_000
"""For guests that end; most of these cycles are idle ones."""


def marked(path: Path, mark: str) -> str:
    """What stands behind a mark in a guest's source."""
    lines = path.read_text().splitlines()
    return "\n".join(line.removeprefix(mark).strip() for line in lines if line.startswith(mark))


@cache
def program(path: Path) -> Program:
    text = path.read_text()
    shared = [(path.parents[1] / name).read_text() for name in marked(path, "#+").splitlines()]
    first = "first" if "\nfirst:" in text else "count"
    source = "".join([REGISTERS, *shared[1:], text, *shared[:1]])
    return assemble(source.replace("FIRST", first), 0x80000000, name=path.name)


def run(path: Path, monitor: str, engine: str) -> list[tuple[Ending, Visible]]:
    """What is to be seen of a guest from time to time, and at its end if it has one."""
    endless = marked(path, "#=") == "cycle limit"
    found = []
    with booted(program(path), monitor, engine) as machine:
        for cycle in LOOKS if endless else (*LOOKS, LAST_CYCLE):
            ending = run_to(machine, cycle)
            found.append((ending, visible(machine)))
            if ending[0] != "cycle limit":
                break
    return found


@cache
def measured(path: Path) -> list[tuple[Ending, Visible]]:
    return run(path, *MEASURE)


@pytest.mark.parametrize("path", GUESTS, ids=lambda path: path.stem)
def test_a_guest_ends_as_it_should(path: Path) -> None:
    ending, seen = measured(path)[-1]
    assert ending[0] == marked(path, "#=")
    printed = seen["console"].splitlines()
    assert (printed[-1:] or [""])[0].endswith(marked(path, "#>"))


@pytest.mark.slow("reference")
@pytest.mark.parametrize(("monitor", "engine"), MONITORS)
@pytest.mark.parametrize("path", GUESTS, ids=lambda path: path.stem)
def test_a_guest_cannot_tell_who_runs_it(path: Path, monitor: str, engine: str) -> None:
    found = run(path, monitor, engine)
    for (ending, seen), (other_ending, other_seen) in zip(measured(path), found, strict=False):
        where = f"at cycle {seen['cpu0.clock']}"
        assert differences(seen, other_seen) == [], where
        assert other_ending == ending, where
    assert len(found) == len(measured(path))
