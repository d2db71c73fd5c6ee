"""Macros of a source's text: ``.macro`` definitions, their arguments, and what they become."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from kseg.isa.assembler.problem import FatalSourceError, SourceError, SourceLocation
from kseg.isa.assembler.source import Line

LONGEST_LINE = 1 << 16
_REFERENCE = re.compile(r"\\(\(\)|@|[A-Za-z_][\w$]*)")
_PARAMETER = re.compile(r"\s*,?\s*([A-Za-z_.$][\w.$]*)(:req\b|:vararg\b)?(\s*=\s*)?")
_OPERATOR = "+-*/%&|^=<>!~,"
_QUOTED = re.compile(r'"((?:[^"\\]+|\\.)*+)"\s*(?:,\s*|(?=\s|$)\s*)')
_PIECES = re.compile(r"\"(?:[^\"\\]+|\\.)*+\"|'(?:\\.|[^\\])|,\s*|\s+|.")


@dataclass(frozen=True)
class Parameter:
    name: str
    default: str = ""
    required: bool = False
    takes_rest: bool = False


@dataclass
class TextMacro:
    name: str
    parameters: list[Parameter]
    body: list[Line] = field(default_factory=list)

    def expand(self, arguments: str, number: int, used: SourceLocation) -> Iterator[Line]:
        """The lines that a use at `used` stands for; `number` counts the uses of all macros."""
        values = self._values(arguments)

        def lines() -> Iterator[Line]:
            for line in self.body:
                place = SourceLocation(line.place.file, line.place.line, used, f"macro {self.name}")
                yield Line(place, substitute(line.text, values, str(number)))

        return lines()

    def _values(self, text: str) -> dict[str, str]:
        given = list(self._given(text))
        values: dict[str, str] = {}
        position = 0
        known = {parameter.name for parameter in self.parameters}
        for keyword, value in given:
            if keyword in known:
                values[keyword] = value
                continue
            whole = f"{keyword}={value}" if keyword else value
            if position >= len(self.parameters):
                raise SourceError(f"macro {self.name} takes {len(self.parameters)} arguments")
            values[self.parameters[position].name] = whole
            position += 1
        for parameter in self.parameters:
            if not values.get(parameter.name):
                if parameter.required:
                    raise SourceError(f"macro {self.name} needs {parameter.name}")
                values[parameter.name] = parameter.default
        return values

    def _given(self, text: str) -> Iterator[tuple[str, str]]:
        """Each argument, with its keyword or ""."""
        text = text.strip()
        index, place = 0, 0
        while place < len(text):
            if index < len(self.parameters) and self.parameters[index].takes_rest:
                yield "", text[place:]
                return
            argument, place = split_argument(text, place)
            match = re.match(r"([A-Za-z_.$][\w.$]*)=(?!=)", argument)
            yield (match[1], argument[match.end() :]) if match else ("", argument)
            index += 1


def substitute(text: str, values: dict[str, str], number: str = "") -> str:
    r"""`text` with ``\name`` replaced by its value, ``\@`` by `number`, and ``\()`` by nothing."""

    def replace(match: re.Match[str]) -> str:
        name = match[1]
        if name == "()":
            return ""
        if name == "@" and number:
            return number
        return values.get(name, match[0])

    found = _REFERENCE.sub(replace, text)
    if len(found) > LONGEST_LINE:
        raise FatalSourceError(f"a macro makes a line of more than {LONGEST_LINE} characters")
    return found


def split_argument(text: str, place: int = 0) -> tuple[str, int]:
    """The argument of `text` that begins at `place`, and where the next one does.

    Arguments end at a comma, or at a blank that is not beside an operator. Quotes around an
    argument are taken away, and a comma or blank within quotes or brackets ends nothing.
    """
    if match := _QUOTED.match(text, place):
        return match[1], match.end()
    depth, found = 0, list[str]()
    for match in _PIECES.finditer(text, place):
        piece, end = match[0], match.end()
        if piece == "(":
            depth += 1
        elif piece == ")":
            depth -= 1
        elif piece[0] == ",":
            if depth <= 0:
                return "".join(found), end
            piece = ","
        elif piece.isspace():
            before, after = found[-1][-1:] if found else "", text[end : end + 1]
            if before in _OPERATOR or after in _OPERATOR or depth > 0 or after == "(":
                continue
            return "".join(found), end
        found.append(piece)
    return "".join(found), len(text)


def split_arguments(text: str) -> list[str]:
    found, place, text = [], 0, text.strip()
    while place < len(text):
        argument, place = split_argument(text, place)
        found.append(argument)
    return found


def parse_definition(text: str) -> TextMacro:
    """The macro that ``.macro`` with `text` behind it begins."""
    match = re.match(r"([A-Za-z_.$][\w.$]*)\s*,?\s*", text)
    if match is None:
        raise SourceError(".macro needs a name")
    macro, place = TextMacro(match[1], []), match.end()
    if text.startswith("(", place) or "%" in text[place:].split("=")[0]:
        raise SourceError("parameters are written without brackets and percent signs: .macro m a b")
    end = len(text.rstrip())
    while place < end:
        found = _PARAMETER.match(text, place)
        if found is None:
            raise SourceError(f"cannot read the parameters of .macro: {text[place:].strip()!r}")
        place, default = found.end(), ""
        if found[3]:
            default, place = split_argument(text, place)
        macro.parameters.append(
            Parameter(found[1], default, found[2] == ":req", found[2] == ":vararg")
        )
    names = [parameter.name for parameter in macro.parameters]
    if len(set(names)) < len(names):
        raise SourceError(f"macro {macro.name} has a parameter twice")
    return macro
