"""Values that are wrong in a place of a saved structure, one at a time: what is damaged is not the
file, whose digests are right, but what it says."""

from collections.abc import Iterator
from typing import Any

NUMBERS = [
    *(-1, 0, 1, 2, 31, 33, 1 << 20, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32),
    *(1 << 40, 1 << 59, 1 << 61, 1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 1),
]
TEXTS = ["", "a\0b", "../..", "\x1b[2J", "é" * 70_000]
BYTES = [b"", b"\0", b"\xff" * 513, b"\xff" * 70_000]

Place = tuple[Any, ...]


def places(value: Any, here: Place = ()) -> Iterator[Place]:
    """Where there is something in dictionaries and lists; of lists, the ends."""
    yield here
    if isinstance(value, dict):
        for key, each in value.items():
            yield from places(each, (*here, key))
    elif isinstance(value, list):
        for index in sorted({0, len(value) - 1} if value else ()):
            yield from places(value[index], (*here, index))


def wrong(value: Any) -> Iterator[Any]:
    """What to put there instead."""
    if isinstance(value, bool):
        yield not value
        yield 7
    elif isinstance(value, int):
        yield from NUMBERS
        yield from (value - 1, value + 1)
        yield "7"
    elif isinstance(value, str):
        yield from TEXTS
        yield 7
    elif isinstance(value, bytes):
        yield from BYTES
        yield from (value[:-1], value + b"\0")
        yield 7
    elif isinstance(value, list):
        yield from ([], value[:-1], value + value[-1:], value * 3, value[::-1])
        yield from ([[]] * 70_000, {})
    elif isinstance(value, dict):
        yield from ({}, [], value | {"unknown": 7}, value | {7: 7})
        for key in value:
            yield {name: each for name, each in value.items() if name != key}
    else:
        yield from (0, b"", "")


def replaced(value: Any, place: Place, new: Any) -> Any:
    """The same structure with something else in one place."""
    if not place:
        return new
    if isinstance(value, dict):
        return value | {place[0]: replaced(value[place[0]], place[1:], new)}
    found = list(value)
    found[place[0]] = replaced(value[place[0]], place[1:], new)
    return found


def at(value: Any, place: Place) -> Any:
    for step in place:
        value = value[step]
    return value


def mutations(value: Any) -> list[tuple[Place, Any]]:
    """Each place, with each thing that is wrong there."""
    return [(place, new) for place in places(value) for new in wrong(at(value, place))]
