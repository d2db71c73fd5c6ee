"""Where a machine's output goes: the console to stdout, messages to stderr.

Both may be the same terminal or file; then a message never continues a half-written line of the
guest's. Console output is gathered for a moment and written in one go.
"""

import os
import sys
import time
from collections.abc import Callable

from kseg.cli.streams import OutputClosed, write_all, write_message
from kseg.errors import KsegError
from kseg.platform.files import check_writable, write_file

__all__ = ["Output", "OutputClosed", "check_destination", "one_line", "write_all", "write_whole"]

GATHER = 0.02
"""Seconds for which console output may wait for more."""
MOST_GATHERED = 1 << 16
"""Bytes of it."""

LONGEST_LINE = 1 << 12
"""Bytes of a line that the guest has left open, a prompt say, which is shown again."""
CLEAR_LINE = b"\r\x1b[K"


def one_line(text: str) -> str:
    """A message as it may go to a terminal: file names may hold line ends and escape sequences."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or "\udc80" <= c <= "\udcff" else repr(c)[1:-1]
        for c in text.replace("\n", " ")
    )


def write_whole(what: str, destination: str, data: bytes) -> None:
    """Write a file, whole or not at all, or to stdout for "-"; KsegError, which begins with `what`,
    when that fails."""
    if destination == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        write_file(destination, data)
    except OSError as error:
        raise KsegError(f"{what} {destination}: {error.strerror}") from None


def check_destination(what: str, destination: str | None) -> None:
    """Find out before a long run whether its result can be written; KsegError otherwise. None and
    "-", stdout, are fine."""
    if destination in (None, "-"):
        return
    try:
        check_writable(destination)
    except OSError as error:
        raise KsegError(f"{what} {destination}: {error.strerror}; name another") from None


class Output:
    """The guest's console on one descriptor, the machine's messages on another."""

    def __init__(self, prefix: str, console: int = 1, messages: int = 2) -> None:
        """`prefix` starts each message: "kseg", "sys161"."""
        self.prefix = prefix
        self._console = console
        self._messages = messages
        self._same = _same_file(console, messages)
        self.watcher: Callable[[bytes], None] | None = None
        """Is told what the guest prints before it goes out, and of a message (as b"")."""
        self._gathered = bytearray()
        self._since = 0.0
        self._at_line_start = True
        self._open = bytearray()
        """What the guest has printed of its last line."""
        self.shows_again = self._same and self.is_terminal
        """Whether a message is followed by the line that it has interrupted."""
        self.clears = False
        """Whether a line that is to end is taken away instead: it will be shown again."""

    def console(self, data: bytes) -> None:
        """Take what the guest printed."""
        if self.watcher is not None:
            self.watcher(data)
        if not self._gathered:
            self._since = time.perf_counter()
        self._gathered += data
        if len(self._gathered) >= MOST_GATHERED:
            self.flush()

    def pulse(self, resting: bool) -> None:
        """Write what has waited long enough; all of it when the machine is `resting`."""
        if self._gathered and (resting or time.perf_counter() - self._since >= GATHER):
            self.flush()

    def flush(self) -> None:
        """Write everything; OutputClosed when nobody reads it."""
        if self._gathered:
            data, self._gathered = bytes(self._gathered), bytearray()
            self._opened(data)
            write_all(self._console, data)

    def _opened(self, data: bytes) -> None:
        self._at_line_start = data.endswith(b"\n")
        self._open += data
        del self._open[: self._open.rfind(b"\n") + 1]
        if len(self._open) > LONGEST_LINE:
            self._open.clear()

    def message(self, text: str) -> None:
        """Write a line about the machine; the guest's last line stays the last on a terminal."""
        if self.watcher is not None:
            self.watcher(b"")
        self.flush()
        interrupted = bytes(self._open) if self.shows_again else b""
        if self.shows_again:
            self._end_line(CLEAR_LINE)
        self.make_way()
        line = f"{self.prefix}: {one_line(text)}\n"
        write_message(self._messages, line.encode("utf-8", "backslashreplace"))
        if interrupted:
            self._opened(interrupted)
            write_all(self._console, interrupted)

    def make_way(self) -> None:
        """Whatever else goes to where messages go is about to be written."""
        self.flush()
        if self._same:
            self.finish_line()

    def finish_line(self) -> None:
        """End a line that the guest has left open."""
        self._end_line(CLEAR_LINE if self.clears else b"\n")

    def _end_line(self, how: bytes) -> None:
        self.flush()
        self._open.clear()
        if not self._at_line_start:
            self._at_line_start = True
            write_all(self._console, how)

    def screen(self, data: bytes) -> None:
        """Write what stands on another screen of the terminal, and is no line of the guest's."""
        self.flush()
        write_all(self._console, data)

    @property
    def is_terminal(self) -> bool:
        """Whether the console's output goes to a terminal."""
        return os.isatty(self._console)


def _same_file(one: int, other: int) -> bool:
    try:
        first, second = os.fstat(one), os.fstat(other)
    except OSError:
        return False
    return (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)
