"""The arguments of one device in a configuration: `name=value` words and flags.

A device declares what it takes as a table of `Argument`s; reading a line, what is said of a wrong
one, and the reference page come from there.
"""

import re
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from kseg.errors import ConfigurationError

SECTOR_SIZE = 512
LONGEST_NUMBER = 20
"""Digits in a size."""
SUFFIXES = {
    "": 1, "b": 1, "s": SECTOR_SIZE,
    "k": 1 << 10, "K": 1 << 10, "m": 1 << 20, "M": 1 << 20, "g": 1 << 30, "G": 1 << 30,
}  # fmt: skip

# Patterns are compiled when they are used: a start has no need of most.
_NUMBER = r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))"
_SIZE = r"(0[xX][0-9a-fA-F]+|[0-9]+)([bskKmMgG]?)"


def c_number(text: str) -> int:
    """A number in C's syntax: decimal, 0x hexadecimal or 0 octal; ValueError otherwise."""
    match = re.fullmatch(_NUMBER, text, re.ASCII)
    if match is None:
        raise ValueError(f"{text!r} is not a number")
    sign, hexadecimal, octal, decimal = match.groups()
    if hexadecimal:
        value = int(hexadecimal, 16)
    elif octal:
        value = int(octal, 8)
    else:
        value = int(decimal)
    return -value if sign == "-" else value


def size_in_bytes(text: str) -> int:
    """A size such as 512K, 5M, 128s (sectors) or a plain number of bytes; ValueError otherwise."""
    match = re.fullmatch(_SIZE, text, re.ASCII)
    if match is None:
        raise ValueError(f"{text!r} is not a size: give a number, then b, s, k, m, g or nothing")
    number, suffix = match.groups()
    if len(number) > LONGEST_NUMBER:
        raise ValueError(f"{number[:LONGEST_NUMBER]}... is too large")
    return c_number(number) * SUFFIXES[suffix]


class Argument(NamedTuple):
    """One argument of a device."""

    name: str
    kind: Literal["number", "decimal", "size", "text", "flag"]
    """A number in C's syntax; one that is decimal whatever its first digit, as C's atoi reads it;
    a size in bytes with a suffix; a text; a word that stands alone."""
    meaning: str
    """For a person: a phrase, with the unit."""
    default: int | str | None = None
    """What a device takes when nothing is said; for flags, nothing is False."""
    minimum: int | None = None
    maximum: int | None = None

    @property
    def word(self) -> str:
        """How it begins in a configuration."""
        return self.name if self.kind == "flag" else f"{self.name}="


class Arguments:
    """The words that follow a device's name. Every error is a ConfigurationError that starts with
    `place`."""

    def __init__(self, device: str, words: Sequence[str], place: str) -> None:
        self.device = device
        self.place = place
        self._words = words

    def error(self, text: str) -> ConfigurationError:
        """An exception that says what is wrong with this device's arguments."""
        return ConfigurationError(f"{self.place}: {self.device}: {text}")

    def read(self, declared: Sequence[Argument]) -> dict[str, Any]:
        """The value of each declared argument by its name; the last of a name counts.

        Flags are booleans; of two that exclude each other (`doom`, `nodoom`) only the later one is
        True. Others are None where nothing was said and there is no default.
        """
        known = {argument.word: argument for argument in declared}
        values = {
            argument.name: False if argument.kind == "flag" else argument.default
            for argument in declared
        }
        for word in self._words:
            name, equals, text = word.partition("=")
            argument = known.get(name + equals)
            if argument is None:
                takes = ", ".join(sorted(known)) or "it takes none"
                raise self.error(f"unknown argument {name + equals!r} (known: {takes})")
            if argument.kind == "flag":
                opposite = name.removeprefix("no") if name.startswith("no") else f"no{name}"
                if opposite in values:
                    values[opposite] = False
                values[name] = True
            else:
                values[name] = text if argument.kind == "text" else self._number(argument, text)
        return values

    def _number(self, argument: Argument, text: str) -> int:
        name, kind, minimum, maximum = argument.name, argument.kind, *argument[-2:]
        try:
            if kind == "size":
                value = size_in_bytes(text)
            else:
                value = c_number((text.lstrip("0") or "0") if kind == "decimal" else text)
        except ValueError as error:
            what = str(error) if kind == "size" else "expected a number"
            raise self.error(f"{name}={text}: {what}") from None
        if (minimum is not None and value < minimum) or (maximum is not None and value > maximum):
            bounds = f"{minimum} or more" if maximum is None else f"from {minimum} to {maximum}"
            raise self.error(f"{name}={text}: expected a number {bounds}")
        return value
