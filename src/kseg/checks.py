"""What the arguments of the Python API may be. Everything else is an ArgumentError of one line that
names the argument, shows what was given and says what to give."""

import math
import os
import re
from collections.abc import Callable, Iterable, Mapping
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kseg.errors import ConfigurationError
from kseg.isa.values import WORD

if TYPE_CHECKING:
    import msgspec

LATEST = 1 << 62
"""No machine runs for so many cycles, or nanoseconds."""
MOST_SECONDS = LATEST / 10**9


class ArgumentError(ConfigurationError, ValueError, TypeError):
    """An argument has the wrong type or a value that makes no sense."""


def shown(value: object) -> str:
    """What was given, in a few characters."""
    import reprlib  # which most programs do without

    try:
        return reprlib.repr(value)
    except Exception:
        return f"a {type(value).__name__}"


def wrong(name: str, value: object, wanted: str) -> ArgumentError:
    """What to raise where `wanted` was not given."""
    return ArgumentError(f"{name} {shown(value)}: give {wanted}")


def whole(name: str, value: Any, least: int = 0, most: int | None = None) -> int:
    """A whole number from `least` to `most`."""
    if type(value) is int and value >= least and (most is None or value <= most):
        return value
    ends = f"from {least} to {most}" if most is not None else f"of {least} or more"
    try:
        if isinstance(value, bool):
            raise TypeError
        number = index(value)
    except TypeError:
        raise wrong(name, value, f"a whole number {ends}") from None
    if number < least or (most is not None and number > most):
        raise wrong(name, value, f"a whole number {ends}")
    return number


def mapping(name: str, value: Any) -> Mapping[Any, Any]:
    """A dictionary, or what behaves like one."""
    if not isinstance(value, Mapping):
        raise wrong(name, value, "a dictionary")
    return value


def address(name: str, value: Any) -> int:
    """A 32-bit address."""
    try:
        return whole(name, value, 0, WORD)
    except ArgumentError:
        raise wrong(name, value, f"an address from 0 to {WORD:#x}") from None


def word(name: str, value: Any) -> int:
    """A 32-bit word, without sign."""
    try:
        return whole(name, value, 0, WORD)
    except ArgumentError:
        raise wrong(name, value, "a number that fits 32 bits without sign") from None


def processor(number: Any, count: int) -> int:
    """The number of one of `count` processors."""
    try:
        return whole("processor", number, 0, count - 1)
    except ArgumentError:
        raise ArgumentError(f"no processor {shown(number)}: the machine has {count}") from None


def seconds(name: str, value: Any) -> float:
    """A time in seconds, not negative and not endless."""
    fits = isinstance(value, int | float) and not isinstance(value, bool)
    if not fits or not math.isfinite(value) or not 0 <= value <= MOST_SECONDS:
        raise wrong(name, value, "a number of seconds, 0 or more")
    return float(value)


def cycles_of(name: str, value: Any) -> int:
    """A number of cycles to run."""
    return whole(name, value, 0, LATEST)


def flag(name: str, value: Any) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise wrong(name, value, "True or False")
    return value


def text(name: str, value: Any) -> str:
    """Text that has bytes, be it by surrogates as for names of files."""
    if not isinstance(value, str):
        raise wrong(name, value, "text")
    try:
        value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise wrong(name, value, "text that can be written as UTF-8") from None
    return value


def data(name: str, value: Any) -> bytes:
    """Bytes, or text as UTF-8."""
    if isinstance(value, str):
        return text(name, value).encode("utf-8", "surrogateescape")
    return raw(name, value, "text or bytes")


def raw(name: str, value: Any, wanted: str = "bytes") -> bytes:
    """Bytes, in whatever holds them."""
    if not isinstance(value, bytes | bytearray | memoryview):
        raise wrong(name, value, wanted)
    return bytes(value)


def path(name: str, value: Any) -> Path:
    """The path of a file, as text or as a Path."""
    try:
        found = os.fspath(value)
    except TypeError:
        found = None
    if not isinstance(found, str):
        raise wrong(name, value, "a path, as text or as a pathlib.Path")
    if "\0" in found:
        raise ArgumentError(f"{name} {shown(value)}: no file name holds a NUL character")
    text(name, found)
    return Path(found)


def paths(name: str, value: Any) -> list[str | Path]:
    """One path, or several. Text stays text, for there may be a meaning of its own."""
    if isinstance(value, str | os.PathLike):
        value = [value]
    return [
        each if isinstance(each, str) and path(name, each) else path(name, each)
        for each in several(name, value, "a path, or a list of paths")
    ]


def several(name: str, value: Any, wanted: str) -> list[Any]:
    """What a list or another iterable holds; text, bytes and mappings are none."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise wrong(name, value, wanted)
    return list(value)


def function(name: str, value: Any) -> Any:
    """Something to be called, or None."""
    if value is not None and not callable(value):
        raise wrong(name, value, "a function, or None")
    return value


def pattern(name: str, value: Any) -> str | re.Pattern[str]:
    """Text to look for, or a compiled regular expression for text."""
    if isinstance(value, str):
        return value
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        return value
    raise wrong(name, value, "text, or a compiled regular expression for text")


def patterns(name: str, value: Any) -> list[str | re.Pattern[str]]:
    """One pattern, or several."""
    if isinstance(value, str | re.Pattern | bytes):
        value = [value]
    found = [pattern(name, each) for each in several(name, value, "a pattern, or a list of them")]
    if not found:
        raise wrong(name, value, "one pattern at least")
    return found


def condition(name: str, value: Any) -> "Callable[[], bool] | str | re.Pattern[str] | None":
    """What `run` can run until."""
    if value is None or callable(value):
        found: Callable[[], bool] | None = value
        return found
    try:
        return pattern(name, value)
    except ArgumentError:
        raise wrong(name, value, "a function, text or a compiled regular expression") from None


def settle(group: "msgspec.Struct", **checked: Any) -> None:
    """In a group of options that is being made: have what was given as it was understood."""
    from msgspec.structs import force_setattr

    for name, value in checked.items():
        force_setattr(group, name, value)
