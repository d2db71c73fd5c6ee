"""A console session as an asciicast, which asciinema and its players show.

Versions 2 and 3 of the format (asciinema's documentation, "asciicast v2", "asciicast v3"): a line
of JSON about the recording, then one for each event: `o` output, `i` input, `m` a marker, and in
version 3 `x` the exit status. Times are seconds since the beginning in version 2, and since the
event before in version 3.
"""

import codecs
import json
import os
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NoReturn, TextIO

from kseg.errors import KsegError
from kseg.platform.files import replacing

COLUMNS, ROWS = 80, 24
"""Of a terminal: a serial line does not know how large it is."""
GATHER = 10_000_000
"""Virtual ns: output that comes so soon after other output is one event with it."""
MOST_GATHERED = 4096
"""Characters of it."""
MICROSECOND = 1000
"""ns. Times are written to the microsecond."""

VERSIONS = ("2", "3")


class Cast:
    """Writes an asciicast. Times are virtual, in ns; events come in their order."""

    def __init__(
        self, path: str | Path, version: str, *, began: int, created: int, title: str
    ) -> None:
        """Begin a file, which `finish` puts in its place, whole. `began` is the virtual time of the
        beginning, `created` the calendar's, in seconds since 1970. KsegError when the host refuses,
        as of all methods."""
        self._path = path
        self._version = int(version)
        self._last = self._began = began // MICROSECOND
        self._decoders = {
            kind: codecs.getincrementaldecoder("utf-8")("replace") for kind in ("o", "i")
        }
        self._gathered: list[str] = []
        self._first = self._latest = 0
        self._after_return = False
        size = {"cols": COLUMNS, "rows": ROWS}
        shape: dict[str, object] = {"term": size}
        if self._version == 2:
            shape = {"width": COLUMNS, "height": ROWS}
        header = {"version": self._version, **shape, "timestamp": created, "title": title}
        self._replacing = ExitStack()
        try:
            descriptor = self._replacing.enter_context(replacing(path))
            self._file: TextIO = os.fdopen(descriptor, "w", encoding="utf-8", closefd=False)
        except OSError as error:
            raise self._refused(error) from None
        self._line(header)

    def printed(self, time: int, data: bytes) -> None:
        """The guest printed this."""
        if self._gathered and time - self._latest > GATHER:
            self.flush()
        if not self._gathered:
            self._first = time
        self._latest = time
        text = self._decoders["o"].decode(data)
        if text:
            self._gathered.append(self._with_returns(text))
        if len(self._gathered) >= MOST_GATHERED:
            self.flush()

    def typed(self, time: int, data: bytes) -> None:
        """This came in from the keyboard."""
        text = self._decoders["i"].decode(data)
        if text:
            self._event(time, "i", text)

    def marked(self, time: int, text: str) -> None:
        """Something is to be found here."""
        self._event(time, "m", text)

    def finish(self, time: int, status: int | None = None) -> None:
        """The session is over; with `status`, the guest has ended."""
        rest = self._decoders["o"].decode(b"", final=True)
        if rest:
            self._gathered.append(rest)
            self._first = self._first or time
        self.flush()
        if self._version == 3 and status is not None:
            self._event(time, "x", str(status))
        try:
            self._file.close()  # what it has gathered goes out; the descriptor stays
            self._replacing.close()
        except OSError as error:
            self._give_up(error)

    def flush(self) -> None:
        """Write the output that was gathered."""
        if self._gathered:
            text = "".join(self._gathered)
            self._gathered.clear()
            self._write(self._first, "o", text)

    def _with_returns(self, text: str) -> str:
        """As a terminal gets it behind a line discipline: a guest ends lines with a line feed."""
        found = []
        for character in text:
            if character == "\n" and not self._after_return:
                found.append("\r")
            self._after_return = character == "\r"
            found.append(character)
        return "".join(found)

    def _event(self, time: int, kind: str, text: str) -> None:
        self.flush()
        self._write(time, kind, text)

    def _write(self, time: int, kind: str, text: str) -> None:
        now = max(time // MICROSECOND, self._last)
        since = self._last if self._version == 3 else self._began
        self._last = now
        self._line([(now - since) / 1e6, kind, text])

    def _line(self, value: object) -> None:
        try:
            self._file.write(json.dumps(value, ensure_ascii=False) + "\n")
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> NoReturn:
        """Leave nothing behind, nor anything in the buffer: it would go out later, to whatever has
        the descriptor then."""
        with suppress(OSError):
            self._file.close()
        self._replacing.__exit__(type(error), error, error.__traceback__)
        raise self._refused(error) from None

    def _refused(self, error: OSError) -> KsegError:
        return KsegError(f"--cast {self._path}: {error.strerror}; give a file that can be written")


Events = Iterable[tuple[int, bytes | str]]
"""When what was typed (bytes) or marked (a text), in order."""


class Session:
    """Brings what a guest prints and what a log says into one order."""

    def __init__(self, cast: Cast, events: Events) -> None:
        """`events` are those beside output."""
        self._cast = cast
        self._events = iter(events)
        self._next = next(self._events, None)

    def printed(self, time: int, data: bytes) -> None:
        """The guest prints this now."""
        self._catch_up(time)
        self._cast.printed(time, data)

    def finish(self, time: int, status: int | None) -> None:
        """The replay ends here."""
        self._catch_up(time)
        self._cast.finish(time, status)

    def _catch_up(self, time: int) -> None:
        while self._next is not None and self._next[0] <= time:
            at, content = self._next
            if isinstance(content, bytes):
                self._cast.typed(at, content)
            else:
                self._cast.marked(at, content)
            self._next = next(self._events, None)
