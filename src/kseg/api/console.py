"""A guest's console, for programs: say what to expect, and type answers.

Like pexpect, with two differences: timeouts are in virtual seconds, so that a test which passes
here passes on a slow machine too, and the machine runs only while the program waits for it.
"""

import codecs
import re
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from kseg import checks
from kseg.errors import KsegError
from kseg.monitor.observer import Observer

if TYPE_CHECKING:
    from kseg.api.paced_input import PacedInput
    from kseg.monitor.stop import Stop

Pattern = str | re.Pattern[str]

DEFAULT_TIMEOUT = 60.0
"""Virtual seconds."""

WINDOW = 8192
"""Regular expressions are looked for in that many of the last characters as they arrive."""

TAIL = 400
"""Characters of output that an error shows."""


class ConsoleTimeout(KsegError, TimeoutError):
    """The guest did not print what was expected in the virtual time it was given."""

    exit_code = 1


class ConsoleClosed(KsegError, EOFError):
    """The machine stopped before the guest printed what was expected; `stop` says how."""

    exit_code = 1

    def __init__(self, text: str, stop: "Stop") -> None:
        super().__init__(text)
        self.stop = stop


class Expected(msgspec.Struct, frozen=True):
    """What `Console.expect` found.

    `before` is the output between the last match and this one, `text` what matched, `index` which
    of the patterns it was, `match` the match object of a regular expression (None for a string).
    """

    before: str
    text: str
    index: int
    match: re.Match[str] | None


class Search:
    """Looks for patterns in a guest's output as it comes."""

    def __init__(
        self, console: "Console", patterns: Pattern | Sequence[Pattern], start: int
    ) -> None:
        """Of several patterns, the one whose match begins first wins; of those, the first."""
        self.wanted = checks.patterns("pattern", patterns)
        self._console = console
        self._start = start
        self._seen = len(console.output)
        self._lookback = max(
            (len(each) if isinstance(each, str) else WINDOW for each in self.wanted), default=0
        )
        self.found: tuple[int, int, int, re.Match[str] | None] | None = None
        """Which pattern, where its match begins and ends, and the match object."""
        self._look(start)

    def __call__(self) -> bool:
        """Whether a match is complete now."""
        if self.found is None and self._console.has_news:
            seen, self._seen = self._seen, len(self._console.output)
            self._look(max(self._start, seen - self._lookback))
        return self.found is not None

    def _look(self, start: int) -> None:
        text = self._console.output
        for index, pattern in enumerate(self.wanted):
            if isinstance(pattern, str):
                place, match = text.find(pattern, start), None
                end = place + len(pattern)
            else:
                match = pattern.search(text, start)
                place, end = match.span() if match else (-1, -1)
            if place >= 0 and (self.found is None or place < self.found[1]):
                self.found = (index, place, end, match)


class Console(Observer):
    """Everything a guest prints, and the keyboard. Text is UTF-8; what is not reads as U+FFFD."""

    def __init__(
        self, paced_input: "PacedInput", run: Callable[[Callable[[], bool], float | None], "Stop"]
    ) -> None:
        """`run(until, seconds)` lets the machine run; `kseg.Machine` makes its console itself."""
        self._paced_input = paced_input
        self._run = run
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._chunks: deque[str] = deque()
        self._text = ""
        self._reading = threading.Lock()
        self._matched = 0

    def __repr__(self) -> str:
        return f"<Console, {len(self.output)} characters, the last: {self._tail(40)}>"

    def take_over(self, other: "Console") -> None:
        """Have printed and matched what another console has."""
        self._chunks, self._text = deque(), other.output
        self._matched = other._matched
        self._decoder.setstate(other._decoder.getstate())

    def go_to(self, text: str) -> None:
        """Have printed this: the guest is where it was when that was all."""
        self._chunks, self._text = deque(), text
        self._matched = min(self._matched, len(text))
        self._decoder.reset()

    def printed(self, data: bytes) -> None:
        """Take what the guest printed."""
        self._chunks.append(self._decoder.decode(data))

    @property
    def output(self) -> str:
        """Everything the guest has printed so far. Any thread may ask."""
        if self._chunks:
            with self._reading:
                # The machine may print meanwhile, in another thread.
                chunks = self._chunks
                self._text += "".join([chunks.popleft() for _ in range(len(chunks))])
        return self._text

    @property
    def has_news(self) -> bool:
        """Whether the guest has printed something since `output` was last looked at."""
        return bool(self._chunks)

    def send(self, text: str | bytes) -> None:
        """Type characters as they are. They arrive when the machine runs, and no faster than the
        guest takes them."""
        self._paced_input.type(checks.data("text", text))

    def sendline(self, text: str = "") -> None:
        """Type a line and press Enter (which is a carriage return)."""
        self.send(checks.text("text", text) + "\r")

    def expect(
        self, patterns: Pattern | Sequence[Pattern], timeout: float | None = DEFAULT_TIMEOUT
    ) -> Expected:
        """Let the machine run until the guest has printed a pattern, after the last match.

        A `str` is looked for as it is, a compiled regular expression is searched for; of several
        patterns, the one whose match begins first wins. The machine stops right after the
        character that completes a match. `timeout` is in virtual seconds (None: for ever).

        Raises ConsoleTimeout when time is up or the guest waits for input for ever, and
        ConsoleClosed when the machine has switched off or failed.
        """
        if timeout is not None:
            timeout = checks.seconds("timeout", timeout)
        search = Search(self, patterns, self._matched)
        if search.found is None:
            stop = self._run(search, timeout)
            if not search():
                raise self._failure(search.wanted, timeout, stop)
        assert search.found is not None
        index, start, end, match = search.found
        before = self._text[self._matched : start]
        self._matched = end
        return Expected(before, self._text[start:end], index, match)

    def _failure(
        self, wanted: Sequence[Pattern], timeout: float | None, stop: "Stop"
    ) -> ConsoleTimeout | ConsoleClosed:
        names = " or ".join(
            repr(pattern if isinstance(pattern, str) else pattern.pattern) for pattern in wanted
        )
        ending = f"; its last output: {self._tail(TAIL)}"
        if stop.reason == "cycle limit":
            return ConsoleTimeout(
                f"the guest did not print {names} within {timeout:g} virtual seconds{ending}"
            )
        if stop.reason == "idle forever":
            return ConsoleTimeout(f"the guest waits for input and did not print {names}{ending}")
        return ConsoleClosed(
            f"the machine stopped ({stop.message or stop.reason}) before the guest printed"
            f" {names}{ending}",
            stop,
        )

    def _tail(self, length: int) -> str:
        text = self.output
        return repr(("..." if len(text) > length else "") + text[-length:])
