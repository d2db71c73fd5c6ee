"""The arguments of one device in a configuration: `name=value` words and flags."""

import re
from collections.abc import Sequence

from kseg.errors import ConfigurationError

SECTOR_SIZE = 512
LONGEST_NUMBER = 20
"""Digits in a size."""
SUFFIXES = {
    "": 1, "b": 1, "s": SECTOR_SIZE,
    "k": 1 << 10, "K": 1 << 10, "m": 1 << 20, "M": 1 << 20, "g": 1 << 30, "G": 1 << 30,
}  # fmt: skip

_NUMBER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))", re.ASCII)
_SIZE = re.compile(r"(0[xX][0-9a-fA-F]+|[0-9]+)([bskKmMgG]?)", re.ASCII)


def c_number(text: str) -> int:
    """A number in C's syntax: decimal, 0x hexadecimal or 0 octal; ValueError otherwise."""
    match = _NUMBER.fullmatch(text)
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
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a size: give a number, then b, s, k, m, g or nothing")
    number, suffix = match.groups()
    if len(number) > LONGEST_NUMBER:
        raise ValueError(f"{number[:LONGEST_NUMBER]}... is too large")
    return c_number(number) * SUFFIXES[suffix]


class Arguments:
    """Reads arguments by name; the last of a name counts. Every error is a ConfigurationError
    that starts with `place`."""

    def __init__(self, device: str, words: Sequence[str], place: str) -> None:
        self.device = device
        self.place = place
        self._values: dict[str, str] = {}
        self._flags: list[str] = []
        self._known: set[str] = set()
        for word in words:
            name, equals, value = word.partition("=")
            if equals:
                self._values[name] = value
            else:
                self._flags.append(word)

    def error(self, text: str) -> ConfigurationError:
        """An exception that says what is wrong with this device's arguments."""
        return ConfigurationError(f"{self.place}: {self.device}: {text}")

    def text(self, name: str) -> str | None:
        """The value of `name`, or None when it is not given."""
        self._known.add(f"{name}=")
        return self._values.pop(name, None)

    def number(
        self,
        name: str,
        default: int | None = None,
        minimum: int | None = None,
        maximum: int | None = None,
        *,
        decimal: bool = False,
    ) -> int | None:
        """The number given for `name`; `decimal` takes 010 for ten, as C's atoi does."""
        text = self.text(name)
        if text is None:
            return default
        try:
            value = c_number((text.lstrip("0") or "0") if decimal else text)
        except ValueError:
            raise self.error(f"{name}={text}: expected a number") from None
        if (minimum is not None and value < minimum) or (maximum is not None and value > maximum):
            bounds = f"{minimum} or more" if maximum is None else f"from {minimum} to {maximum}"
            raise self.error(f"{name}={text}: expected a number {bounds}")
        return value

    def size(self, name: str) -> int | None:
        """The size in bytes given for `name`."""
        text = self.text(name)
        if text is None:
            return None
        try:
            return size_in_bytes(text)
        except ValueError as error:
            raise self.error(f"{name}={text}: {error}") from None

    def last_flag(self, *names: str) -> str | None:
        """Which of these flags was given last, or None."""
        self._known.update(names)
        given = [flag for flag in self._flags if flag in names]
        self._flags = [flag for flag in self._flags if flag not in names]
        return given[-1] if given else None

    def finish(self) -> None:
        """Refuse whatever was given and not asked for."""
        left = [f"{name}=" for name in self._values] + self._flags
        if left:
            known = ", ".join(sorted(self._known)) or "it takes none"
            raise self.error(f"unknown argument {left[0]!r} (known: {known})")
