"""A guest's console, for programs: say what to expect, and type answers.

Like pexpect, with two differences: timeouts are in virtual seconds, so that a test which passes
here passes on a slow machine too, and the machine runs only while somebody waits for it.
"""

import codecs
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kseg.errors import KsegError

if TYPE_CHECKING:
    from kseg.api.typist import Typist
    from kseg.monitor.bare import Stop

Pattern = str | re.Pattern[str]

DEFAULT_TIMEOUT = 60.0
"""Virtual seconds."""

WINDOW = 8192
"""Regular expressions are looked for in that many of the last characters as they arrive."""

TAIL = 400
"""Characters of output that an error shows."""


class ConsoleTimeout(KsegError, TimeoutError):  # noqa: N818 - as pexpect has it
    """The guest did not print what was expected in the virtual time it was given."""

    exit_code = 1


class ConsoleClosed(KsegError, EOFError):  # noqa: N818
    """The machine stopped before the guest printed what was expected; `stop` says how."""

    exit_code = 1

    def __init__(self, text: str, stop: "Stop") -> None:
        super().__init__(text)
        self.stop = stop


@dataclass(frozen=True, slots=True)
class Expected:
    """What `Console.expect` found.

    `before` is the output between the last match and this one, `text` what matched, `index` which
    of the patterns it was, `match` the match object of a regular expression (None for a string).
    """

    before: str
    text: str
    index: int
    match: re.Match[str] | None


class Console:
    """Everything a guest prints, and the keyboard. Text is UTF-8; what is not reads as U+FFFD."""

    def __init__(
        self, typist: "Typist", run: Callable[[Callable[[], bool], float | None], "Stop"]
    ) -> None:
        """`run(until, seconds)` lets the machine run; `kseg.Machine` makes its console itself."""
        self._typist = typist
        self._run = run
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._chunks: list[str] = []
        self._text = ""
        self._matched = 0

    def __repr__(self) -> str:
        return f"<Console, {len(self.output)} characters, the last: {self._tail(40)}>"

    def printed(self, data: bytes) -> None:
        """Take what the guest printed."""
        self._chunks.append(self._decoder.decode(data))

    @property
    def output(self) -> str:
        """Everything the guest has printed so far."""
        if self._chunks:
            self._text += "".join(self._chunks)
            self._chunks.clear()
        return self._text

    def send(self, text: str | bytes) -> None:
        """Type characters as they are. They arrive when the machine runs, and no faster than the
        guest takes them."""
        self._typist.type(text.encode() if isinstance(text, str) else text)

    def sendline(self, text: str = "") -> None:
        """Type a line and press Enter (which is a carriage return)."""
        self.send(text + "\r")

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
        wanted = [patterns] if isinstance(patterns, str | re.Pattern) else list(patterns)
        found = self._find(wanted, self._matched)
        if found is None:
            seen = len(self.output)

            def arrived() -> bool:
                nonlocal found, seen
                if not self._chunks:
                    return False
                length = len(self.output)
                lookback = max((len(w) for w in wanted if isinstance(w, str)), default=0)
                if any(isinstance(w, re.Pattern) for w in wanted):
                    lookback = max(lookback, WINDOW)
                found = self._find(wanted, max(self._matched, seen - lookback))
                seen = length
                return found is not None

            stop = self._run(arrived, timeout)
            if found is None and (found := self._find(wanted, self._matched)) is None:
                raise self._failure(wanted, timeout, stop)
        index, start, end, match = found
        before = self._text[self._matched : start]
        self._matched = end
        return Expected(before, self._text[start:end], index, match)

    def _find(
        self, wanted: Sequence[Pattern], start: int
    ) -> tuple[int, int, int, re.Match[str] | None] | None:
        """(which pattern, where it begins, where it ends, match object) in the output."""
        text = self.output
        best: tuple[int, int, int, re.Match[str] | None] | None = None
        for index, pattern in enumerate(wanted):
            if isinstance(pattern, str):
                place, match = text.find(pattern, start), None
                end = place + len(pattern)
            else:
                match = pattern.search(text, start)
                place, end = match.span() if match else (-1, -1)
            if place >= 0 and (best is None or place < best[1]):
                best = (index, place, end, match)
        return best

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
