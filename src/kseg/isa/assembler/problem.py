"""What is wrong with a source, and where."""

from dataclasses import dataclass


class SourceError(ValueError):
    """A statement is wrong; the text says how, without the place."""


class HopelessError(SourceError):
    """Nothing that follows can be assembled either: a limit was reached."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a statement was written."""

    file: str
    line: int
    """From 1."""
    outer: "Place | None" = None
    """Where the macro was used, or the file included, of whose text the statement is."""
    inside: str = ""
    """What it is inside of, such as ``macro push``; only with `outer`, and only for macros."""

    @property
    def main(self) -> "Place":
        """The place in the main source."""
        return self if self.outer is None else self.outer.main

    @property
    def shown(self) -> "Place":
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

    place: Place
    text: str

    def __str__(self) -> str:
        inside = ""
        if self.place.inside:
            inside = f" (in {self.place.inside}, line {self.place.line})"
        return f"{self.place}: {self.text}{inside}"


class AssemblyError(ValueError):
    """A source cannot be assembled. `str()` has a line ``file:line: what`` for each error."""

    def __init__(self, problems: list[Problem]) -> None:
        unique = dict.fromkeys(problems)
        ordered = sorted(unique, key=lambda problem: problem.place.main.line)
        self.problems = [(problem.place.main.line, problem.text) for problem in ordered]
        """Each with its line in the main source."""
        super().__init__("\n".join(str(problem) for problem in ordered))
