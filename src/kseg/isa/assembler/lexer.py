"""Words of an assembly source: tokens, grouped into statements."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKENS = re.compile(
    r"""
      (?P<blank>    [ \t\r\f]+ | /\*.*?\*/ | (?:\#|//)[^\n]* )
    | (?P<end>      \n | ; )
    | (?P<string>   "(?:\\.|[^"\\\n])*" )
    | (?P<character>'(?:\\(?:x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)|[^'\\\n])' )
    | (?P<number>   0[xX][0-9a-fA-F]+\b | 0[bB][01]+\b | [0-9]+\b )
    | (?P<local>    [0-9]+[bf]\b )
    | (?P<register> \$\w+ )
    | (?P<name>     [A-Za-z_.][\w.$]* )
    | (?P<operator> << | >> | %hi\b | %lo\b | [-+*/&|^~(),:=] )
    | (?P<other>    . )
    """,
    re.VERBOSE | re.DOTALL,
)

_ESCAPES = {"n": 10, "t": 9, "r": 13, "b": 8, "f": 12, "v": 11, "a": 7, "e": 27}


class SourceError(ValueError):
    """A statement is wrong; the text says how, without the place."""


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its kind (a group of `_TOKENS`), its text, and for numbers its value."""

    kind: str
    text: str

    @property
    def value(self) -> int:
        """Of a number or character."""
        if self.kind == "character":
            encoded = unescape(self.text[1:-1])
            if len(encoded) != 1:
                raise SourceError(f"{self.text} is not one byte")
            return encoded[0]
        if self.text[:2] in ("0x", "0X", "0b", "0B"):
            return int(self.text, 0)
        if len(self.text) > 1 and self.text[0] == "0":
            try:
                return int(self.text, 8)
            except ValueError:
                raise SourceError(f"{self.text} is not an octal number") from None
        return int(self.text)


def unescape(text: str) -> bytes:
    """The bytes of a string or character constant, without its quotes."""

    def replace(match: re.Match[bytes]) -> bytes:
        escape = match[1].decode("latin-1")
        if escape[0] == "x" and len(escape) > 1:
            return bytes([int(escape[1:], 16)])
        if escape[0] in "01234567":
            return bytes([int(escape, 8) & 0xFF])
        return bytes([_ESCAPES.get(escape, ord(escape[0]))])

    return re.sub(
        rb"\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)", replace, text.encode("utf-8"), flags=re.DOTALL
    )


def statements(source: str) -> Iterator[tuple[int, list[Token]]]:
    """The statements of a source, each with the number of its line, from 1.

    A statement ends at the end of the line or at a semicolon.
    """
    line, tokens = 1, list[Token]()
    for match in _TOKENS.finditer(source):
        kind = str(match.lastgroup)
        if kind == "end":
            if tokens:
                yield line, tokens
                tokens = []
        elif kind != "blank":
            tokens.append(Token(kind, match[0]))
        line += match[0].count("\n")
    if tokens:
        yield line, tokens
