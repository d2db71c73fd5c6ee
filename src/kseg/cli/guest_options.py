"""What `--guest` says: NAME=KERNEL[,KEY=VALUE...]."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from kseg.cli.file_kinds import check_kind
from kseg.cli.lazy_click import WrongValue
from kseg.cli.parameters import (
    Directory,
    File,
    Kernel,
    Name,
    Number,
    SaveAt,
    Seed,
    Text,
    among,
    monitors,
    prefixed,
)
from kseg.errors import ConfigurationError

if TYPE_CHECKING:
    import click

    from kseg.cli.parameters import Items


class Key(NamedTuple):
    """What a key stands for: a field of `GuestRequest`, or else an option of `Host.add`."""

    name: str
    type: Text
    repeated: bool = False
    restores: bool = True
    """Whether it goes with a snapshot, which knows the others already."""


KEYS = {
    "args": Key("arguments", Text("TEXT"), restores=False),
    "cap": Key("cap", Text("RATE")),
    "config": Key("config", File("configuration"), restores=False),
    "disk": Key("disks", File(), repeated=True),
    "doom": Key("doom", Number("N"), restores=False),
    "from": Key("snapshot", File("snapshot")),
    "input": Key("input_file", File()),
    "monitor": Key("monitor", Name("NAME", monitors)),
    "progress": Key("progress_timeout", Number("SECONDS"), restores=False),
    "ram": Key("ram", Text("SIZE"), restores=False),
    "record": Key("record", File()),
    "reservation": Key("reservation", Text("RATE")),
    "save-at": Key("saves", SaveAt(), repeated=True),
    "seed": Key("seed", Seed(), restores=False),
    "share": Key("share", Directory("DIR")),
    "symbols": Key("symbols", File("executable"), repeated=True),
    "weight": Key("weight", Number("N")),
}
"""Those that have a value; the others have none."""
FLAGS = ("overlay", "trust")

_ITEM = re.compile(
    rf'(?:({"|".join(FLAGS)})|([^=,"]*)=("(?:[^"\\]|\\.)*"|[^,"]*))(?:,|$)', re.DOTALL
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class GuestRequest:
    """A guest to start, as its user wants it: with a `kernel`, or from a `snapshot`. `options` are
    those of `Host.add` or `Host.restore`; `saves` are cycles of its own, and files."""

    name: str
    kernel: str
    options: dict[str, Any] = field(default_factory=dict)
    arguments: str = ""
    snapshot: str | None = None
    input_file: str | None = None
    record: str | None = None
    saves: tuple[tuple[int, str], ...] = ()
    symbols: tuple[str, ...] = ()


def parse_guest(text: str) -> GuestRequest:
    """One option's value; ConfigurationError says what is wrong with it.

    A value with a comma in it stands in double quotes; in those, a backslash takes the meaning
    from the character after it.
    """
    (name, kernel), *rest = _items(text)
    if not name or name in KEYS or name in FLAGS:
        raise ConfigurationError(f"--guest {text}: begin with the guest's name: NAME=KERNEL,...")
    values: dict[str, Any] = {}
    for word, value in rest:
        if word in FLAGS:
            values[word] = True
            continue
        key = KEYS.get(word)
        if key is None:
            raise ConfigurationError(
                f"--guest {text}: no such key {word!r}; there are"
                f" {', '.join(sorted((*KEYS, *FLAGS)))}"
            )
        try:
            read = key.type.convert(value, None, None)
        except WrongValue as error:
            raise ConfigurationError(f"--guest {text}: {word}={error}") from None
        if key.repeated:
            values[key.name] = (*values.get(key.name, ()), read)
        elif key.name in values:
            raise ConfigurationError(f"--guest {text}: {word} is given twice")
        else:
            values[key.name] = read
    _check_beginning(text, name, kernel, values)
    fields = {each: values.pop(each) for each in GuestRequest.__slots__ if each in values}
    return GuestRequest(name, kernel, values, **fields)


def _check_beginning(text: str, name: str, kernel: str, values: dict[str, Any]) -> None:
    """It boots a kernel, or goes on from a snapshot."""
    if "snapshot" in values:
        unwanted = [word for word, key in KEYS.items() if not key.restores and key.name in values]
        if kernel or unwanted:
            raise ConfigurationError(
                f"--guest {text}: the snapshot says what {[*unwanted, kernel][0]} would; leave it"
                f" out: {name}=,from=FILE"
            )
    elif not kernel:
        raise ConfigurationError(f"--guest {text}: which kernel is {name} to boot? NAME=KERNEL,...")
    else:
        check_kind(kernel, "executable")
    if "trust" in values and "snapshot" not in values:
        raise ConfigurationError(f"--guest {text}: trust goes with from=FILE only")


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
        key, value = match[1] or match[2], match[3] or ""
        if value.startswith('"'):
            value = _ESCAPED.sub(r"\1", value[1:-1])
        found.append((key, value))
        place = match.end()
    return found


def copied(guests: Sequence[GuestRequest], count: int) -> list[GuestRequest]:
    """Each guest `count` times, numbered from 1 if that is more than once; ConfigurationError for
    one that writes files, for copies would write the same ones."""
    if count == 1:
        return list(guests)
    for guest in guests:
        if guest.record or guest.saves:
            raise ConfigurationError(
                f"--copies {count}: all of {guest.name} would write into the same file; leave out"
                " record= and save-at="
            )
    return [
        replace(guest, name=f"{guest.name}-{number}")
        for guest in guests
        for number in range(1, count + 1)
    ]


class GuestText(Text):
    """The type of the option."""

    def __init__(self) -> None:
        super().__init__("NAME=KERNEL[,KEY=VALUE...]")

    def convert(self, value: Any, param: Any, ctx: "click.Context | None") -> Any:  # noqa: ARG002
        if ctx is not None and ctx.resilient_parsing:
            return value
        return value if isinstance(value, GuestRequest) else parse_guest(value)

    def suggestions(self, incomplete: str) -> "Items":
        before, comma, last = incomplete.rpartition(",")
        word, equals, value = last.partition("=")
        if not equals:
            words = [*(f"{each}=" for each in KEYS), *FLAGS]
            return prefixed(f"{before},", among(words, last)) if comma else []
        if not comma:
            found = Kernel().suggestions(value)
        else:
            found = KEYS[word].type.suggestions(value) if word in KEYS else []
        return prefixed(f"{before}{comma}{word}=", found)
