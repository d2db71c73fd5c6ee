"""Words of one statement of an assembly source: tokens, and the bytes of strings and characters.

What separates statements and where comments are is `kseg.isa.assembler.source`'s.
"""

import re
from dataclasses import dataclass
from itertools import islice

from kseg.isa.assembler.problem import SourceError

_TOKENS = re.compile(
    r"""
      (?P<blank>      [ \t\r\f]+ )
    | (?P<string>     "(?:[^"\\]+|\\.)*+" )
    | (?P<character>  '(?:\\.|[^\\])'? )
    | (?P<float>      [0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?\b | [0-9]+[eE][-+]?[0-9]+\b )
    | (?P<number>     0[xX][0-9a-fA-F]+\b | 0[bB][01]+\b | [0-9]+\b )
    | (?P<local>      [0-9]+[bf]\b )
    | (?P<register>   \$[\w.$]+ )
    | (?P<name>       [A-Za-z_.][\w.$]* )
    | (?P<relocation> %[A-Za-z_]\w*(?=[ \t]*\() )
    | (?P<operator>   << | >> | <> | <= | >= | == | != | && | \|\| | [-+*/%&|^~!<>(),:=@] )
    | (?P<other>      . )
    """,
    re.VERBOSE | re.DOTALL,
)

MOST_TOKENS = 1 << 18

_ESCAPES = {"n": 10, "t": 9, "r": 13, "b": 8, "f": 12, "v": 11, "\\": 92, '"': 34}
_CHARACTER_ESCAPES = {"n": 10, "t": 9, "r": 13, "b": 8, "f": 12, "\\": 92, '"': 34, "'": 39}


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its kind (a group of `_TOKENS`), its text, and for numbers its value."""

    kind: str
    text: str

    @property
    def value(self) -> int:
        """Of a number or character."""
        if self.kind == "character":
            return _character(self.text)
        if self.text[:2] in ("0x", "0X", "0b", "0B"):
            return int(self.text, 0)
        if len(self.text) > 1 and self.text[0] == "0":
            try:
                return int(self.text, 8)
            except ValueError:
                raise SourceError(f"{self.text} is not an octal number") from None
        if len(self.text) > 40:
            raise SourceError("number too large")
        return int(self.text)


def _character(text: str) -> int:
    """The byte of a character constant: ``'a'``, ``'a`` or ``'\\n'``."""
    body = text[1:-1] if len(text) > 2 and text[-1] == "'" else text[1:]
    if body.startswith("\\"):
        if body[1:] not in _CHARACTER_ESCAPES:
            raise SourceError(f"no escape {body} in a character: write the byte as a number")
        return _CHARACTER_ESCAPES[body[1:]]
    encoded = body.encode()
    if len(encoded) != 1:
        raise SourceError(f"{text} is not one byte")
    return encoded[0]


def unescape(text: str) -> bytes:
    """The bytes of a string, without its quotes.

    As in GNU as, ``\\x`` takes all hexadecimal digits that follow and keeps the last byte. What
    GNU as only warns of is refused.
    """

    def replace(match: re.Match[bytes]) -> bytes:
        escape = match[1].decode("latin-1")
        if escape[0] in "xX" and len(escape) > 1:
            return bytes([int(escape[1:], 16) & 0xFF])
        if escape[0] in "01234567":
            return bytes([int(escape, 8) & 0xFF])
        if escape not in _ESCAPES:
            raise SourceError(f"no escape \\{escape} in a string: write the byte as \\ooo or \\xhh")
        return bytes([_ESCAPES[escape]])

    return re.sub(
        rb"\\([xX][0-9a-fA-F]+|[0-7]{1,3}|.)", replace, text.encode("utf-8"), flags=re.DOTALL
    )


def tokens_of(text: str) -> tuple[Token, ...]:
    """The tokens of one statement; SourceError where they are more than `MOST_TOKENS`."""
    words = (match for match in _TOKENS.finditer(text) if match.lastgroup != "blank")
    found = tuple(Token(str(match.lastgroup), match[0]) for match in islice(words, MOST_TOKENS + 1))
    if len(found) > MOST_TOKENS:
        raise SourceError(f"a statement of more than {MOST_TOKENS} words: write several")
    return found
