"""Reads a source statement by statement: macros, repetitions, conditions and included files.

What comes out are the statements that remain. GNU as calls these directives, too, but they act on
text, before it means anything.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from kseg.isa.assembler.directives import CONDITIONS, TEXT
from kseg.isa.assembler.problem import (
    FatalSourceError,
    Problem,
    SourceError,
    SourceLocation,
    TextError,
)
from kseg.isa.assembler.source import Line, lines_of
from kseg.isa.assembler.statement_text import head_of, split_labels
from kseg.isa.assembler.text_macro import (
    TextMacro,
    parse_definition,
    split_arguments,
    substitute,
)

DEEPEST = 100
"""Macros within macros, and files within files."""
MOST_EXPANDED = 1 << 18
"""Statements that macros and repetitions may make of a source."""
_OPENERS = {".macro": ".endm", ".rept": ".endr", ".irp": ".endr", ".irpc": ".endr"}


class Files(Protocol):
    """What .include and .incbin read."""

    def text(self, name: str) -> str:
        """The text of a file; SourceError if it cannot be read."""

    def data(self, name: str) -> bytes:
        """Its bytes."""


class Symbols(Protocol):
    """What is known of the symbols where the reader is."""

    def number(self, text: str) -> int:
        """The value of an expression; SourceError if that is not known here."""

    def is_defined(self, name: str) -> bool:
        """Has the name been defined?"""


@dataclass
class _Frame:
    """Lines that are being read: the source, a file, a macro's, or a repetition's."""

    lines: Iterator[Line]
    name: str
    conditions: int
    is_macro: bool = False


@dataclass
class _Condition:
    place: SourceLocation
    takes: bool
    """Are the lines here assembled?"""
    done: bool
    """Has some branch been taken, or is all of it skipped?"""
    has_else: bool = False


class Reader:
    """The statements of a source, one after the other. Errors go to `problems`."""

    def __init__(
        self,
        source: str,
        name: str,
        symbols: Symbols,
        files: Files | None,
        problems: list[Problem],
    ) -> None:
        self.symbols, self.files, self.problems = symbols, files, problems
        self.macros: dict[str, TextMacro] = {}
        self._frames = [_Frame(lines_of(source, name), "the source", 0)]
        self._name = name
        self._conditions: list[_Condition] = []
        self._expanded = self._uses = 0
        self._ended = False

    def __iter__(self) -> Iterator[Line]:
        while (line := self._next()) is not None and not self._ended:
            try:
                labels, rest = split_labels(line.text)
                name, arguments = head_of(rest)
                handler = self._handler(name, arguments)
                if handler is None:
                    if self._taking:
                        yield line
                    continue
                if labels and self._taking:
                    yield Line(line.place, labels)
                handler(line, name, arguments)
            except FatalSourceError:
                raise
            except SourceError as error:
                self.problems.append(Problem(line.place, str(error)))
        for condition in self._conditions:
            self.problems.append(Problem(condition.place, "an .if without .endif"))

    @property
    def _taking(self) -> bool:
        return not self._conditions or self._conditions[-1].takes

    def _next(self) -> Line | None:
        while self._frames:
            try:
                return next(self._frames[-1].lines)
            except StopIteration:
                self._leave()
            except TextError as error:
                self.problems.append(Problem(SourceLocation(self._name, error.line), str(error)))
                self._leave()
        return None

    def _leave(self) -> None:
        """The end of a macro or file; conditions that it began end too."""
        frame = self._frames.pop()
        if not self._frames:
            return
        for condition in self._conditions[frame.conditions :]:
            self.problems.append(Problem(condition.place, f"an .if without .endif in {frame.name}"))
        del self._conditions[frame.conditions :]

    def _enter(self, lines: Iterator[Line], name: str, is_macro: bool = False) -> None:
        if len(self._frames) >= DEEPEST:
            raise FatalSourceError(f"{name} is {DEEPEST} levels deep in macros and files")
        self._frames.append(_Frame(lines, name, len(self._conditions), is_macro))

    def _counted(self, lines: Iterator[Line]) -> Iterator[Line]:
        for line in lines:
            self._expanded += 1
            if self._expanded > MOST_EXPANDED:
                raise FatalSourceError(
                    f"macros and repetitions make more than {MOST_EXPANDED} statements"
                )
            yield line

    # What acts on text.

    def _handler(self, name: str, arguments: str) -> Callable[[Line, str, str], None] | None:
        if name in CONDITIONS:
            return self._condition
        if not self._taking:
            return None
        if name in TEXT:
            return {
                ".macro": self._define,
                ".rept": self._repeat,
                ".irp": self._repeat,
                ".irpc": self._repeat,
                ".include": self._include,
                ".exitm": self._exit,
                ".purgem": self._purge,
                ".end_macro": self._stray,
                ".endm": self._stray,
                ".endr": self._stray,
                ".err": self._complain,
                ".error": self._complain,
                ".warning": self._ignore,
                ".print": self._ignore,
            }[name]
        if name in self.macros and not arguments.startswith(("=", ":")):
            return self._use
        return None

    def _body(self, opener: str) -> list[Line]:
        """The lines up to the end of what `opener` begins, consumed."""
        body, closers = list[Line](), [_OPENERS[opener]]
        for line in self._frames[-1].lines:
            name, _ = head_of(split_labels(line.text)[1])
            if name == ".end_macro":
                raise SourceError(".end_macro is MARS's: write .endm, and \\name for a parameter")
            if name in _OPENERS:
                closers.append(_OPENERS[name])
            elif name == closers[-1]:
                closers.pop()
                if not closers:
                    return body
            body.append(line)
        raise SourceError(f"{opener} without {_OPENERS[opener]}")

    def _define(self, _line: Line, name: str, arguments: str) -> None:
        body = self._body(name)
        macro = parse_definition(arguments)
        if macro.name.lower() in self.macros:
            raise SourceError(f"macro {macro.name} is defined twice: .purgem forgets one")
        macro.body = body
        self.macros[macro.name.lower()] = macro

    def _use(self, line: Line, name: str, arguments: str) -> None:
        macro = self.macros[name]
        expansion = macro.expand(arguments, self._uses, line.place)
        self._uses += 1
        self._enter(self._counted(expansion), f"macro {macro.name}", is_macro=True)

    def _repeat(self, _line: Line, name: str, arguments: str) -> None:
        body = self._body(name)
        parameter, values = "", [""]
        if name == ".rept":
            count = self.symbols.number(arguments)
            if count < 0:
                raise SourceError(f".rept cannot take {count}")
        else:
            parameter, *values = split_arguments(arguments) or [""]
            if not parameter.isidentifier():
                raise SourceError(f"{name} needs a name, then values")
            if name == ".irpc":
                values = list("".join(values))
            values = values or [""]
            count = len(values)
        if count * max(1, len(body)) > MOST_EXPANDED:
            raise FatalSourceError(
                f"{name} makes {count} times {len(body)} statements, and macros and repetitions "
                f"may make at most {MOST_EXPANDED}"
            )

        def repeated() -> Iterator[Line]:
            for index in range(count):
                for line in body:
                    text = line.text
                    if parameter:
                        text = substitute(text, {parameter: values[index]})
                    yield Line(line.place, text)

        self._enter(self._counted(repeated()), name)

    def _include(self, line: Line, _name: str, arguments: str) -> None:
        name = quoted(arguments)
        if self.files is None:
            raise SourceError(".include has no files to read here")
        text = self.files.text(name)
        self._expanded += text.count("\n")
        if self._expanded > MOST_EXPANDED:
            raise FatalSourceError(f"files and macros make more than {MOST_EXPANDED} statements")
        self._enter(lines_of(text, name, line.place), name)

    def _exit(self, _line: Line, _name: str, _arguments: str) -> None:
        if not any(frame.is_macro for frame in self._frames):
            raise SourceError(".exitm outside of a macro")
        while True:
            frame = self._frames.pop()
            del self._conditions[frame.conditions :]
            if frame.is_macro:
                return

    def _purge(self, _line: Line, _name: str, arguments: str) -> None:
        if self.macros.pop(arguments.strip().lower(), None) is None:
            raise SourceError(f"no macro {arguments.strip()}")

    def _stray(self, _line: Line, name: str, _arguments: str) -> None:
        raise SourceError(f"{name} without a beginning")

    def _complain(self, _line: Line, name: str, arguments: str) -> None:
        raise SourceError(quoted(arguments) if name == ".error" and arguments else f"{name} here")

    def _ignore(self, _line: Line, _name: str, _arguments: str) -> None:
        """.warning and .print say nothing here."""

    # Conditions.

    def _condition(self, line: Line, name: str, arguments: str) -> None:
        if name in (".else", ".elseif", ".endif"):
            first = self._frames[-1].conditions
            if len(self._conditions) <= first:
                raise SourceError(f"{name} without .if")
            current = self._conditions[-1]
            if name == ".endif":
                self._conditions.pop()
                return
            if current.has_else:
                raise SourceError(f"{name} behind .else")
            current.has_else = name == ".else"
            current.takes = not current.done and (
                name == ".else" or self.symbols.number(arguments) != 0
            )
            current.done |= current.takes
            return
        if len(self._conditions) >= 10 * DEEPEST:
            raise FatalSourceError(".if is too deep")
        condition = _Condition(line.place, takes=False, done=True)
        outer = self._taking
        self._conditions.append(condition)
        if outer:
            condition.takes = self._holds(name, arguments)
            condition.done = condition.takes

    def _holds(self, name: str, arguments: str) -> bool:
        if name in (".ifdef", ".ifndef", ".ifnotdef"):
            return self.symbols.is_defined(arguments.strip()) == (name == ".ifdef")
        if name in (".ifb", ".ifnb"):
            return (not arguments.strip()) == (name == ".ifb")
        if name in (".ifc", ".ifnc"):
            left, _, right = arguments.partition(",")
            return (left.strip() == right.strip()) == (name == ".ifc")
        if name in (".ifeqs", ".ifnes"):
            left, _, right = arguments.partition(",")
            return (quoted(left) == quoted(right)) == (name == ".ifeqs")
        number = self.symbols.number(arguments)
        return {
            ".if": number != 0,
            ".ifne": number != 0,
            ".ifeq": number == 0,
            ".ifge": number >= 0,
            ".ifgt": number > 0,
            ".ifle": number <= 0,
            ".iflt": number < 0,
        }[name]


def quoted(text: str) -> str:
    """What stands in quotes; SourceError if nothing does."""
    text = text.strip()
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        raise SourceError(f"expected a string in quotes, not {text!r}")
    return text[1:-1]
