"""What `--guest` says: NAME=KERNEL[,KEY=VALUE...]."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from kseg.cli.file_kinds import check_kind
from kseg.cli.parameters import Kernel, Seed, Text, among, monitors, paths, prefixed
from kseg.errors import ConfigurationError

if TYPE_CHECKING:
    from kseg.cli.parameters import Items

KEYS = (
    "args", "cap", "config", "disk", "input", "monitor", "ram", "reservation", "seed", "share",
    "weight",
)  # fmt: skip

_ITEM = re.compile(r'([^=,"]*)=("(?:[^"\\]|\\.)*"|[^,"]*)(?:,|$)', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class GuestOptions:
    """A guest to start. Values are as the user wrote them, None where nothing was said; `weight`
    is a number."""

    name: str
    kernel: str
    arguments: str = ""
    monitor: str | None = None
    weight: int = 100
    cap: str | None = None
    reservation: str = "0"
    ram: str | None = None
    disks: tuple[str, ...] = ()
    config: str | None = None
    seed: int | str | None = None
    share: str | None = None
    input_file: str | None = None


def parse_guest(text: str) -> GuestOptions:
    """One option's value; ConfigurationError says what is wrong with it.

    A value with a comma in it stands in double quotes; in those, a backslash takes the meaning
    from the character after it.
    """
    items = _items(text)
    (name, kernel), *rest = items
    if not name or name in KEYS:
        raise ConfigurationError(f"--guest {text}: begin with the guest's name: NAME=KERNEL,...")
    if not kernel:
        raise ConfigurationError(f"--guest {text}: which kernel is {name} to boot? NAME=KERNEL,...")
    values: dict[str, str] = {}
    disks = []
    for key, value in rest:
        if key not in KEYS:
            raise ConfigurationError(
                f"--guest {text}: no such key {key!r}; there are {', '.join(KEYS)}"
            )
        if key == "disk":
            disks.append(value)
        elif key in values:
            raise ConfigurationError(f"--guest {text}: {key} is given twice")
        else:
            values[key] = value
    check_kind(kernel, "executable")
    weight = values.get("weight", "100")
    if not (weight.isascii() and weight.isdigit() and len(weight) < 10):
        raise ConfigurationError(f"--guest {text}: weight={weight}: give a number from 1 to 10000")
    return GuestOptions(
        name=name,
        kernel=kernel,
        arguments=values.get("args", ""),
        monitor=values.get("monitor"),
        weight=int(weight),
        cap=values.get("cap"),
        reservation=values.get("reservation", "0"),
        ram=values.get("ram"),
        disks=tuple(disks),
        config=values.get("config"),
        seed=_seed(text, values.get("seed")),
        share=values.get("share"),
        input_file=values.get("input"),
    )


def _seed(text: str, seed: str | None) -> int | str | None:
    try:
        return None if seed is None else Seed().convert(seed, None, None)
    except click.BadParameter as error:
        raise ConfigurationError(f"--guest {text}: seed={error.message}") from None


def _items(text: str) -> list[tuple[str, str]]:
    """Keys and values."""
    found: list[tuple[str, str]] = []
    place = 0
    while place < len(text) or not found:
        match = _ITEM.match(text, place)
        if match is None:
            raise ConfigurationError(
                f"--guest {text}: cannot read {text[place:]!r}; expected KEY=VALUE, a value with a"
                ' comma in it in double quotes: args="echo a, b"'
            )
        key, value = match[1], match[2]
        if value.startswith('"'):
            value = _ESCAPED.sub(r"\1", value[1:-1])
        found.append((key, value))
        place = match.end()
    return found


def copied(guests: Iterable[GuestOptions], count: int) -> list[GuestOptions]:
    """Each guest `count` times, numbered from 1 if that is more than once."""
    if count == 1:
        return list(guests)
    return [
        replace(guest, name=f"{guest.name}-{number}")
        for guest in guests
        for number in range(1, count + 1)
    ]


class Guest(Text):
    """The type of the option."""

    def __init__(self) -> None:
        super().__init__("NAME=KERNEL[,KEY=VALUE...]")

    def convert(self, value: Any, param: Any, ctx: click.Context | None) -> Any:  # noqa: ARG002
        if ctx is not None and ctx.resilient_parsing:
            return value
        return value if isinstance(value, GuestOptions) else parse_guest(value)

    def suggestions(self, incomplete: str) -> "Items":
        before, comma, last = incomplete.rpartition(",")
        key, equals, value = last.partition("=")
        if not equals:
            return among((f"{before},{name}=" for name in KEYS), incomplete) if comma else []
        if not comma:
            found = Kernel().suggestions(value)
        elif key in ("disk", "config", "input", "share"):
            found = paths("file", value)
        else:
            found = among(monitors() if key == "monitor" else (), value)
        return prefixed(f"{before}{comma}{key}=", found)
