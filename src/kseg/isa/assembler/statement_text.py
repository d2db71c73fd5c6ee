"""The shape of a statement's text: labels, then a name, then what follows it."""

import re

_LABELS = re.compile(r"(?:[\w.$]+[ \t]*:[ \t]*)+")
_HEAD = re.compile(r"([\w.$]+)\s*(.*)", re.DOTALL)


def split_labels(text: str) -> tuple[str, str]:
    """The labels at the beginning, with their colons, and the rest."""
    match = _LABELS.match(text)
    return (match[0], text[match.end() :]) if match else ("", text)


def head_of(text: str) -> tuple[str, str]:
    """The first word in lower case, and what follows; "" if there is no word."""
    match = _HEAD.match(text)
    return (match[1].lower(), match[2]) if match else ("", text)


_COLUMNS = re.compile(r"([0-9a-f]{8}):[ \t]+(?:[0-9a-f]{2}){1,4}[ \t]+(?=[a-z.])")


def split_columns(text: str) -> tuple[int | None, str]:
    """The address that `kseg disasm` writes before an instruction, if it is there, and the rest."""
    match = _COLUMNS.match(text)
    return (int(match[1], 16), text[match.end() :]) if match else (None, text)
