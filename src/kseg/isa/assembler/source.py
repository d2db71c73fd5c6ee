"""The text of a source as statements: comments away, split at newlines and semicolons.

Lines such as ``# 12 "start.S"``, which a C preprocessor leaves, say where the text came from.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kseg.isa.assembler.problem import SourceLocation, TextError, shortened

_PIECES = re.compile(
    r"""
      (?P<string>    "(?:[^"\\\n]+|\\.)*+"? )
    | (?P<character> '(?:\\.|[^\\\n]) )
    | (?P<comment>   /\*.*?\*/ | (?:\#|//)[^\n]* )
    | (?P<open>      /\* )
    | (?P<end>       \n | ; )
    | (?P<text>      [^"'#/;\n]+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_MARKER = re.compile(r'#\s*(?:line\s+)?(\d+)\s+"((?:\\.|[^"\\])*)"')
_PREPROCESSOR = re.compile(r'#(?:include\s*[<"]|define\s+[A-Z_]\w*|if(?:n?def)\s+\w+\s*$)')


@dataclass(frozen=True, slots=True)
class Line:
    """The text of one statement, not empty, and where it stands."""

    place: SourceLocation
    text: str


def lines_of(source: str, name: str, outer: SourceLocation | None = None) -> Iterator[Line]:
    """The statements of a source called `name`; TextError for what only a C preprocessor reads,
    or a comment without an end."""
    line, file, shown = 1, name, 1
    parts = list[str]()
    start: SourceLocation | None = None
    fresh, marked = True, False
    for match in _PIECES.finditer(source):
        kind, text = str(match.lastgroup), match[0]
        if kind == "end":
            if start is not None:
                yield Line(start, "".join(parts).strip())
            parts, start = [], None
        elif kind == "open":
            raise TextError(line, "a comment begins with /* and does not end")
        elif kind == "comment":
            if fresh and text[0] == "#":
                if marker := _MARKER.match(text):
                    file, shown, marked = shortened(marker[2]), int(marker[1]) - 1, True
                elif _PREPROCESSOR.match(text):
                    raise TextError(
                        line,
                        f"{text.split()[0]} is for the C preprocessor, which runs "
                        "only on files named .S",
                    )
            parts.append(" ")
        else:
            if start is None and text.strip():
                place = SourceLocation(file, shown, outer)
                start = (
                    SourceLocation(file, shown, SourceLocation(name, line))
                    if marked and not outer
                    else place
                )
            parts.append(text)
        fresh = (kind == "end" and text == "\n") or (fresh and not text.strip())
        newlines = text.count("\n")
        line += newlines
        shown += newlines
    if start is not None:
        yield Line(start, "".join(parts).strip())
