"""What kind of file a user gives: a log where a kernel is wanted gets a hint, not a riddle."""

import os
import re
import stat
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import click

ENOUGH = 512
"""Bytes from a file's beginning that tell its kind."""

_CONFIGURED = rb"(?:\s*#[^\n]*\n|\s*\n)*\s*\d{1,2}[ \t]+[a-z]+\b"


class FileKind(NamedTuple):
    """A kind of file: its name, the option that takes it, what to do with it and how."""

    name: str
    option: str
    purpose: str
    command: str


KINDS = {
    "log": FileKind("a log of a recorded run", "--replay", "to repeat the run", "kseg replay {}"),
    "snapshot": FileKind(
        "a snapshot of a machine", "--from", "to go on from it", "kseg run --from {}"
    ),
    "executable": FileKind("an executable", "", "to boot it", "kseg run {}"),
    "disk": FileKind("a disk image", "--disk", "to boot with it", "kseg run --disk {} KERNEL"),
    "configuration": FileKind(
        "a machine configuration", "--config", "to boot with it", "kseg run --config {} KERNEL"
    ),
    "assembly": FileKind("assembly", "", "to assemble it", "kseg asm {}"),
}


def kind_of(path: str) -> str | None:
    """A key of KINDS; None for what is no file, cannot be read, or may be anything."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - a start is to be fast
            return None
        with open(path, "rb") as file:  # noqa: PTH123
            begin = file.read(ENOUGH)
    except (OSError, ValueError):
        return None
    if begin.startswith(b"\x7fELF"):
        return "executable"
    if begin.startswith(b"KSEGLOG\0"):
        return "log"
    if begin.startswith(b"KSEGSNAP"):
        return "snapshot"
    if begin.startswith(b"System/161 Disk Image"):
        return "disk"
    if path.endswith((".s", ".S", ".asm")):
        return "assembly"
    if path.endswith(".conf") or re.match(_CONFIGURED, begin):
        return "configuration"
    return None


def check_kind(path: str, wanted: str, command: "click.Command | None" = None) -> None:
    """KsegError, which says what to do with the file, where it is of another kind than `wanted`."""
    kind = kind_of(path)
    if kind in (None, wanted) or (wanted == "assembly" and kind == "configuration"):
        return
    from kseg.api.guests import BUNDLED
    from kseg.errors import KsegError

    if wanted == "executable" and path in BUNDLED:
        return
    assert kind is not None
    raise KsegError(f"{path} is {KINDS[kind].name}, not {KINDS[wanted].name}; {use(path, command)}")


def use(path: str, command: "click.Command | None" = None) -> str:
    """What a file is for: with `command` if it has an option for such files, else another. Nothing
    for files of no known kind."""
    import shlex

    kind = kind_of(path)
    if kind is None:
        return ""
    _, option, purpose, how = KINDS[kind]
    name = shlex.quote(path)
    options = {opt for param in command.params for opt in param.opts} if command else set()
    if command is not None and option in options:
        kernel = "" if kind in ("log", "snapshot") else " KERNEL"
        return f"{purpose}: kseg {command.name} {option} {name}{kernel}"
    return f"{purpose}: {how.format(name)}"
