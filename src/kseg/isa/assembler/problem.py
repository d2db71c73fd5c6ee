"""What is wrong with a source, and where."""

import re
from dataclasses import dataclass

MOST_SHOWN = 100
"""Errors whose text is shown."""
_LONG_WORD = re.compile(r"(\S{60})\S{41,}(?=\S{20})")
_LONGEST_TEXT = 400


def shortened(text: str) -> str:
    """`text` for an error, without the middle of words that nobody reads."""
    text = _LONG_WORD.sub(r"\1…", text[: 100 * _LONGEST_TEXT])
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"


class SourceError(ValueError):
    """A statement is wrong; the text says how, without the place."""


class FatalSourceError(SourceError):
    """Nothing that follows can be assembled either: a limit was reached."""


@dataclass(frozen=True, slots=True)
class SourceLocation:
    """Where a statement was written."""

    file: str
    line: int
    """From 1."""
    outer: "SourceLocation | None" = None
    """Where the macro was used, or the file included, of whose text the statement is."""
    inside: str = ""
    """What it is inside of, such as ``macro push``; only with `outer`, and only for macros."""

    @property
    def main(self) -> "SourceLocation":
        """The place in the main source."""
        return self if self.outer is None else self.outer.main

    @property
    def shown(self) -> "SourceLocation":
        """The place that is named: of a macro's text, where the macro was used."""
        return self.outer.shown if self.inside and self.outer else self

    def __str__(self) -> str:
        shown = self.shown
        return f"{shown.file}:{shown.line}"


class TextError(SourceError):
    """The text of a file is wrong, from `line` on."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


@dataclass(frozen=True, slots=True)
class Problem:
    """One error: `text` says what is wrong at `place`."""

    place: SourceLocation
    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", shortened(self.text))

    def __str__(self) -> str:
        inside = ""
        if self.place.inside:
            inside = f" (in {shortened(self.place.inside)}, line {self.place.line})"
        return f"{self.place}: {self.text}{inside}"


class AssemblyError(ValueError):
    """A source cannot be assembled. `str()` has a line ``file:line: what`` for each error,
    up to `MOST_SHOWN`."""

    def __init__(self, problems: list[Problem]) -> None:
        unique = dict.fromkeys(problems)
        ordered = sorted(unique, key=lambda problem: problem.place.main.line)
        self.problems = [(problem.place.main.line, problem.text) for problem in ordered]
        """Each with its line in the main source."""
        lines = [str(problem) for problem in ordered[:MOST_SHOWN]]
        if len(ordered) > MOST_SHOWN:
            lines.append(f"{ordered[0].place.main.file}: {len(ordered) - MOST_SHOWN} more errors")
        super().__init__("\n".join(lines))
