"""Where a session's input comes from: a terminal, a pipe, a file, or nowhere."""

import os
import stat
from enum import Enum
from pathlib import Path

from kseg.cli.console.keyboard import LineEnds
from kseg.cli.input import TYPE_LESS, read_open
from kseg.errors import KsegError


class Source(Enum):
    """What the console's input comes from."""

    TERMINAL = "terminal"
    STREAM = "stream"
    """A pipe: more may come at any time."""
    FILE = "file"
    """All that will ever come is there."""
    NOTHING = "nothing"


def open_input(name: str | None) -> tuple[Source, int]:
    """Open a file, or stdin for "-" or None: what it is, and its descriptor. KsegError when it
    cannot be read."""
    if name is None or name == "-":
        descriptor = 0
    else:
        try:
            descriptor = os.open(name, os.O_RDONLY)
        except OSError as error:
            raise KsegError(f"input {name}: {error.strerror}") from None
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return Source.NOTHING, -1  # stdin is closed
    if stat.S_ISDIR(mode):
        raise KsegError(f"input {name or 'stdin'}: is a directory")
    if stat.S_ISREG(mode):
        return Source.FILE, descriptor
    if os.isatty(descriptor):
        return Source.TERMINAL, descriptor
    if stat.S_ISCHR(mode) and os.fstat(descriptor).st_rdev == Path(os.devnull).stat().st_rdev:
        return Source.NOTHING, descriptor
    return Source.STREAM, descriptor


def read_all(descriptor: int) -> bytes:
    """What a file has to be typed; KsegError where it is too long."""
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        return LineEnds().typed(read_open("input", file, TYPE_LESS))
