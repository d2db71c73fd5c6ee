"""Standard input, output and error as commands find them, whatever the shell has made of them.

Output that cannot be written is one line and exit code 2 wherever it is written from; a reader
that has gone ends a command quietly; messages that cannot be written are no problem.
"""

import errno
import io
import os
import sys
from collections.abc import Callable
from typing import BinaryIO, cast

GONE = (errno.EPIPE, errno.ECONNRESET, errno.EIO)
"""What writing to a pipe, a socket and a terminal says when there is no other end any more."""


ERASE = "\x1b[K"
"""What is on a terminal's line behind the cursor."""

_drawn = False
"""Whether a line of progress is on the terminal."""


def draw(text: str) -> None:
    """Put a line on the terminal that stderr is, until something is written."""
    global _drawn
    write_message(2, text.encode("utf-8", "replace"))
    _drawn = True


def erase() -> None:
    """Take such a line away."""
    global _drawn
    if _drawn:
        _drawn = False
        write_message(2, ERASE.encode())


class OutputClosed(Exception):
    """The reader of the output has gone: nothing is wrong, nothing reads any more."""


def write_all(descriptor: int, data: bytes) -> None:
    """Write everything; OutputClosed when nobody reads it, KsegError when it cannot be."""
    if _drawn:
        erase()
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            # Another process made the descriptor non-blocking: it may be shared.
            from kseg.platform import waiting

            waiting.writable([descriptor])
        except OSError as error:
            if error.errno in GONE:
                raise OutputClosed from None
            from kseg.errors import KsegError

            why = "it is closed" if error.errno == errno.EBADF else error.strerror
            raise KsegError(f"cannot write output: {why}") from None


def write_message(descriptor: int, data: bytes) -> None:
    """Write what is no output, but said beside it: where it cannot go, it is lost."""
    from kseg.errors import KsegError

    try:
        write_all(descriptor, data)
    except (OutputClosed, KsegError):
        return


class _Raw(io.RawIOBase):
    """A descriptor for `write`, which gets all data or raises. It is left open. After an error it
    takes everything and forgets it: what is still buffered would only fail once more."""

    def __init__(self, descriptor: int, write: Callable[[int, bytes], None]) -> None:
        self._descriptor, self._write = descriptor, write
        self._failed = False

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        whole = bytes(cast(bytes, data))
        if not self._failed:
            self._failed = True
            self._write(self._descriptor, whole)
            self._failed = False
        return len(whole)


def prepare() -> None:
    """Make sys.stdin, sys.stdout and sys.stderr such streams. Where one is closed, something takes
    its descriptor: otherwise the next file to be opened, which may be a disk image, would be taken
    for it and written to."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # Reading a closed stdin and writing to a closed stdout are errors still; nobody asks
            # for messages.
            os.open(os.devnull, os.O_RDONLY if descriptor == 1 else os.O_WRONLY)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = _text(sys.stdout, 1, write_all)
    sys.stderr = _text(sys.stderr, 2, write_message)


def _text(
    stream: io.TextIOBase | object, descriptor: int, write: Callable[[int, bytes], None]
) -> io.TextIOWrapper:
    """Like the `stream` that Python has made; characters that it cannot show are escaped."""
    raw = _Raw(descriptor, write)
    return io.TextIOWrapper(
        cast(BinaryIO, io.BufferedWriter(raw)),
        encoding=getattr(stream, "encoding", None) or "utf-8",
        errors="backslashreplace",
        line_buffering=descriptor == 2 or getattr(stream, "line_buffering", False),
        write_through=getattr(stream, "write_through", False),
    )
