"""Macros of a source's text: ``.macro`` definitions, their arguments, and what they become."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from kseg.isa.assembler.problem import HopelessError, Place, SourceError
from kseg.isa.assembler.source import Line

LONGEST_LINE = 1 << 16
_REFERENCE = re.compile(r"\\(\(\)|@|[A-Za-z_][\w$]*)")
_PARAMETER = re.compile(r"\s*,?\s*([A-Za-z_.$][\w.$]*)(:req\b|:vararg\b)?(\s*=)?")
_OPERATOR = "+-*/%&|^=<>!~,"


@dataclass(frozen=True)
class Parameter:
    """One parameter of a macro."""

    name: str
    default: str = ""
    required: bool = False
    takes_rest: bool = False


@dataclass
class TextMacro:
    """One ``.macro``."""

    name: str
    parameters: list[Parameter]
    body: list[Line] = field(default_factory=list)

    def expand(self, arguments: str, number: int, used: Place) -> Iterator[Line]:
        """The lines that a use at `used` stands for; `number` counts the uses of all macros."""
        values = self._values(arguments)

        def lines() -> Iterator[Line]:
            for line in self.body:
                place = Place(line.place.file, line.place.line, used, f"macro {self.name}")
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
        rest, index = text.strip(), 0
        while rest:
            if index < len(self.parameters) and self.parameters[index].takes_rest:
                yield "", rest
                return
            argument, rest = split_argument(rest)
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
        raise HopelessError(f"a macro makes a line of more than {LONGEST_LINE} characters")
    return found


def split_argument(text: str) -> tuple[str, str]:
    """The first argument of `text`, and what follows.

    Arguments end at a comma, or at a blank that is not beside an operator. Quotes around an
    argument are taken away, and a comma or blank within quotes or brackets ends nothing.
    """
    if match := re.match(r'"((?:\\.|[^"\\])*)"\s*(?:,\s*|(?=\s|$))', text):
        return match[1], text[match.end() :].lstrip()
    depth, place, found = 0, 0, ""
    for match in re.finditer(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^\\])|\s+|.", text):
        piece, place = match[0], match.end()
        if piece == "(":
            depth += 1
        elif piece == ")":
            depth -= 1
        elif depth <= 0 and piece == ",":
            return found, text[place:].lstrip()
        elif piece.isspace():
            after = text[place : place + 1]
            if found[-1:] in _OPERATOR or after in _OPERATOR or depth > 0 or after == "(":
                continue
            return found, text[place:]
        found += piece
    return found, ""


def split_arguments(text: str) -> list[str]:
    """All arguments of `text`."""
    found, rest = [], text.strip()
    while rest:
        argument, rest = split_argument(rest)
        found.append(argument)
    return found


def parse_definition(text: str) -> TextMacro:
    """The macro that ``.macro`` with `text` behind it begins."""
    match = re.match(r"([A-Za-z_.$][\w.$]*)\s*,?\s*", text)
    if match is None:
        raise SourceError(".macro needs a name")
    macro, rest = TextMacro(match[1], []), text[match.end() :]
    if rest.startswith("(") or "%" in rest.split("=")[0]:
        raise SourceError("parameters are written without brackets and percent signs: .macro m a b")
    while rest.strip():
        found = _PARAMETER.match(rest)
        if found is None:
            raise SourceError(f"cannot read the parameters of .macro: {rest.strip()!r}")
        rest, default = rest[found.end() :], ""
        if found[3]:
            default, rest = split_argument(rest.lstrip())
        macro.parameters.append(
            Parameter(found[1], default, found[2] == ":req", found[2] == ":vararg")
        )
    names = [parameter.name for parameter in macro.parameters]
    if len(set(names)) < len(names):
        raise SourceError(f"macro {macro.name} has a parameter twice")
    return macro
