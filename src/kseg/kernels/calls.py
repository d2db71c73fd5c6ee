"""System calls by name: what their numbers, arguments and errors mean.

The convention is that of MIPS o32, as OS/161 and cms have it: the number in v0; arguments in a0 to
a3, then on the stack from 16(sp) on, those of 64 bits in an even place; then a3 is 0 and the result
in v0 (and v1), or a3 is 1 and v0 the number of an error (cms: a3 is that number).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from kseg.isa.values import WORD

V0, V1, A0, A3, SP = 2, 3, 4, 7, 29
REGISTERS_FOR_ARGUMENTS = 4
CREATE = 4
"""The flag of OS/161's open that makes a file."""
LONGEST_TEXT = 60
"""Characters of a text, or bytes of data, that are shown."""

_SPECIFICATION = re.compile(r"(\w+)\(([^)]*)\)(?::(\w))?")

Reader = Callable[[int, int], bytes | None]
"""Reads so many bytes at an address, or fewer; None where nothing is mapped now."""


class Parameter(NamedTuple):
    """`kind` is a letter: d a signed number, u an unsigned one, x hexadecimal, o octal, q 64 bits
    with a sign, p a pointer, s a pointer to a text, w one to data whose length comes next, m a
    file's mode (octal), which is given only if the flags before it say CREATE."""

    name: str
    kind: str


class Call(NamedTuple):
    """A system call; `result` is a kind."""

    name: str
    parameters: tuple[Parameter, ...]
    result: str = "d"


class Calls(NamedTuple):
    """Those of a kernel. `error_in_v0`: a3 only says that there is one."""

    calls: Mapping[int, Call]
    errors: Mapping[int, str]
    error_in_v0: bool = True

    def named(self, number: int) -> Call:
        """What a number stands for, or a call that says that this is not known."""
        return self.calls.get(number) or Call(f"call_{number}", _UNKNOWN)

    def error(self, v0: int, a3: int) -> int:
        """The number of the error that a call came back with; 0 for none."""
        return 0 if not a3 else v0 if self.error_in_v0 else a3


def calls_of(table: str) -> dict[int, Call]:
    """A table of lines such as `45 open(path:s, flags:x):d`."""
    found = {}
    for line in table.strip().splitlines():
        number, _, text = line.strip().partition(" ")
        match = _SPECIFICATION.fullmatch(text)
        assert match is not None, line
        pairs = [each.strip().split(":") for each in match[2].split(",") if each.strip()]
        parameters = tuple(Parameter(name, kind) for name, kind in pairs)
        found[int(number)] = Call(match[1], parameters, match[3] or "d")
    return found


_UNKNOWN = tuple(Parameter(f"a{number}", "x") for number in range(REGISTERS_FOR_ARGUMENTS))
UNKNOWN_CALLS = Calls({}, {})
"""Those of a kernel that is not known: numbers, registers."""


class Argument(NamedTuple):
    """An argument as it was given; `text` shows it. `readable` is False where what it points to
    could not be read then."""

    name: str
    value: int
    text: str
    readable: bool = True


def arguments(
    call: Call, registers: Sequence[int], read: Reader, word: Callable[[int], int | None]
) -> list[Argument]:
    """Those of a call, from the general registers at its instruction."""
    found: list[Argument] = []
    slots = _Slots(registers, word)
    values = [slots.take(each.kind == "q") for each in call.parameters]
    for place, (parameter, value) in enumerate(zip(call.parameters, values, strict=True)):
        if parameter.kind == "m" and not (values[place - 1] or 0) & CREATE:
            continue
        if value is None:
            found.append(Argument(parameter.name, 0, "?", readable=False))
            continue
        text: str | None = None
        if parameter.kind == "s":
            text = _text(value, read)
        elif parameter.kind == "w":
            following = values[place + 1] if place + 1 < len(values) else 0
            text = _data(value, following or 0, read)
        readable = parameter.kind not in "sw" or text is not None or value == 0
        shown = text if text is not None else number_text(value, parameter.kind)
        found.append(Argument(parameter.name, value, shown, readable))
    return found


class _Slots:
    """Where arguments lie, one after the other."""

    def __init__(self, registers: Sequence[int], word: Callable[[int], int | None]) -> None:
        self._registers, self._word = registers, word
        self._next = 0

    def take(self, double: bool) -> int | None:
        if not double:
            return self._one()
        self._next += self._next % 2
        high, low = self._one(), self._one()
        return None if high is None or low is None else high << 32 | low

    def _one(self) -> int | None:
        slot, self._next = self._next, self._next + 1
        if slot < REGISTERS_FOR_ARGUMENTS:
            return int(self._registers[A0 + slot])
        return self._word((int(self._registers[SP]) + 4 * slot) & WORD)


def number_text(value: int, kind: str) -> str:
    """A number as its kind is shown."""
    if kind == "q":
        return str(value - (value >> 63 << 64))
    if kind == "d":
        return str(value - (value >> 31 << 32))
    if kind == "u":
        return str(value)
    if kind in "om":
        return f"{value:#o}".replace("0o", "0") if value else "0"
    if value == 0:
        return "0" if kind == "x" else "NULL"
    return f"{value:#x}"


def _quoted(data: bytes, more: bool) -> str:
    text = data.decode("latin-1").encode("unicode_escape").decode().replace('"', '\\"')
    return f'"{text}"' + ("..." if more else "")


def _text(address: int, read: Reader) -> str | None:
    """The text at an address, as far as it is shown; None where it cannot be read."""
    data = _bytes(address, LONGEST_TEXT + 1, read, until_end=True)
    if data is None:
        return None
    text, end, _ = data.partition(b"\0")
    if not end and len(text) <= LONGEST_TEXT:
        return None  # The rest is not mapped.
    return _quoted(text[:LONGEST_TEXT], len(text) > LONGEST_TEXT)


def _data(address: int, length: int, read: Reader) -> str | None:
    wanted = min(length, LONGEST_TEXT)
    data = _bytes(address, wanted, read) if wanted else b""
    return None if data is None or len(data) < wanted else _quoted(data, length > wanted)


def _bytes(address: int, length: int, read: Reader, *, until_end: bool = False) -> bytes | None:
    """As many as there are; None where none are."""
    found = b""
    while len(found) < length and not (until_end and b"\0" in found):
        part = read((address + len(found)) & WORD, length - len(found))
        if not part:
            break
        found += part
    return found or None
