"""Two runs of a guest, held against each other."""

from collections.abc import Sequence
from typing import Any

from kseg.compare.run import Run
from kseg.machine.board_state import OWN, PARTS, BoardState

SHOWN = 40
"""Bytes of output that a message shows."""


def difference(run: Run, standard: Run) -> str | None:
    """The first thing in which a run differs from one that has ended, in one line; None if nothing
    does.

    Runs of the same kernel must agree in everything: console output, ending, cycles, registers,
    memory, devices; those of different kernels in output and ending. A run that was cut short must
    have printed the beginning of what the other did.
    """
    if run.stop is None:
        return _output(run.output, standard.output[: len(run.output)])
    found = _output(run.output, standard.output) or _ending(run, standard)
    if found or run.kernel != standard.kernel:
        return found
    if run.cycles != standard.cycles:
        return f"{run.cycles} cycles instead of {standard.cycles}"
    one, other = run.state, standard.state
    if one is None or other is None:
        return None
    return _processors(one, other) or _memory(one, other) or _rest(one, other)


def _output(got: bytes, expected: bytes) -> str | None:
    if got == expected:
        return None
    place = _first(got, expected)
    line = expected[:place].count(b"\n") + 1
    return (
        f"output differs from byte {place} (line {line}) on:"
        f" {_shown(got, place)} instead of {_shown(expected, place)}"
    )


def _shown(text: bytes, place: int) -> str:
    part = text[place : place + SHOWN]
    return repr(part.decode(errors="backslashreplace")) if part else "its end"


def _ending(run: Run, standard: Run) -> str | None:
    one, other = run.stop, standard.stop
    if one is None or other is None or (one.reason, one.message) == (other.reason, other.message):
        return None
    return (
        f"it ended with: {one.message or one.reason}; instead of: {other.message or other.reason}"
    )


def _processors(one: BoardState, other: BoardState) -> str | None:
    pairs = zip(one.processors, other.processors, strict=True)
    for number, (got, expected) in enumerate(pairs):
        for name, value in got.items():
            if value != expected[name]:
                return f"processor {number}: {_field(name, value, expected[name])}"
    return None


def _field(name: str, value: Any, expected: Any) -> str:
    if isinstance(value, list):
        place = _first(value, expected)
        return f"{name}[{place}] is {value[place]:#x} instead of {expected[place]:#x}"
    return f"{name} is {value:#x} instead of {expected:#x}"


def _memory(one: BoardState, other: BoardState) -> str | None:
    for name, contents in one.regions.items():
        if contents != other.regions[name]:
            data, expected = contents.whole(), other.regions[name].whole()
            place = _first(data, expected)
            word = slice(place & ~3, (place & ~3) + 4)
            return (
                f"{name}, word at offset {place & ~3:#x}:"
                f" 0x{data[word].hex()} instead of 0x{expected[word].hex()}"
            )
    return None


def _rest(one: BoardState, other: BoardState) -> str | None:
    for name in (*PARTS, *OWN, "devices"):
        got, expected = getattr(one, name), getattr(other, name)
        if got != expected:
            what = name.replace("_", " ")
            return f"the machine's {what}: {str(got)[:SHOWN]} instead of {str(expected)[:SHOWN]}"
    return None


def _first(one: Sequence[Any], other: Sequence[Any]) -> int:
    """Where two unequal sequences begin to differ."""
    length = min(len(one), len(other))
    low, high = 0, length
    # By halves, since comparing slices is fast and comparing elements is not.
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
