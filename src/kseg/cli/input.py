"""What is read as a whole before anything is done with it: a file, or stdin."""

import sys
from pathlib import Path

from kseg.errors import KsegError

MOST_INPUT = 64 << 20
"""Bytes: devices and pipes may have no end."""


def read_whole(what: str, name: str, more: str = "give a smaller one") -> bytes:
    """What is in the file `name`, or comes on stdin for "-". KsegError, which begins with `what`,
    where it cannot be read or is larger than MOST_INPUT; `more` says what to do then."""
    try:
        if name == "-":
            data = sys.stdin.buffer.read(MOST_INPUT + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(MOST_INPUT + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise KsegError(f"{what} {name}: {reason}") from None
    if len(data) > MOST_INPUT:
        raise KsegError(f"{what} {name}: more than {MOST_INPUT >> 20}M; {more}")
    return data


def typed(name: str | None, what: str = "input") -> bytes:
    """What a file says, as the Enter key and others type it; nothing for None. As `read_whole`."""
    from kseg.cli.console.keyboard import LineEnds

    if name is None:
        return b""
    return LineEnds().typed(read_whole(what, name, "use a disk image or --share"))
