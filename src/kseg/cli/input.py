"""What is read as a whole before anything is done with it: a file, or stdin."""

import sys
from pathlib import Path
from typing import BinaryIO

from kseg.errors import KsegError
from kseg.machine.host_file import read_at_most

MOST_INPUT = 64 << 20
"""Bytes: devices and pipes may have no end."""

TYPE_LESS = "use a disk image or --share"
"""What to do with more than that for a guest."""


def read_whole(what: str, name: str, more: str = "give a smaller one") -> bytes:
    """What is in the file `name`, or comes on stdin for "-". KsegError, which begins with `what`,
    where it cannot be read or is larger than MOST_INPUT; `more` says what to do then."""
    try:
        if name == "-":
            return read_open(f"{what} {name}", sys.stdin.buffer, more)
        with Path(name).open("rb") as file:
            return read_open(f"{what} {name}", file, more)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise KsegError(f"{what} {name}: {reason}") from None


def read_open(what: str, file: BinaryIO, more: str) -> bytes:
    """The same of a file that is open."""
    data = read_at_most(file, MOST_INPUT)
    if len(data) > MOST_INPUT:
        raise KsegError(f"{what}: more than {MOST_INPUT >> 20}M; {more}")
    return data


def typed(name: str | None, what: str = "input") -> bytes:
    """What a file says, as the Enter key and others type it; nothing for None. As `read_whole`."""
    from kseg.cli.console.keyboard import LineEnds

    return b"" if name is None else LineEnds().typed(read_whole(what, name, TYPE_LESS))
