"""A command line that is plainly right, read without click.

What is wrong with a command line, what help says and what a shell completes is click's to know; so
is what is written in a rarer way. Here is read only what leaves no doubt, and it means the same
there (`tests/cli/test_plain_line.py` compares both). Whose a word is, kseg's or the guest's, is as
in `kseg.cli.guest_command`.
"""

from typing import Any

from kseg.cli.lazy_click import Declared, Parameter, Type, WrongValue

_KNOWN = {"type", "help", "default", "metavar", "multiple", "is_flag"}
"""What options may have for their values to be clear from this alone."""


HELP = "-h"
"""Is an option of every command, which click adds."""


class Unclear(Exception):
    """Only click knows what that means."""


def read(command: Declared, words: list[str]) -> dict[str, Any] | None:
    """The values of a command's parameters; None where click has to be asked."""
    if not (command.guest_words or command.options_first):
        return None
    from kseg.errors import KsegError

    try:
        return _values(command.parameters, words, command.options_first)
    except (Unclear, WrongValue, KsegError):
        return None


def _values(parameters: list[Parameter], words: list[str], options_first: bool) -> dict[str, Any]:
    options = [each for each in parameters if each.kind == "option"]
    found: dict[str, Any] = {}
    known: dict[str, tuple[Parameter, str, bool | None]] = {}
    for option in options:
        name, spellings = _spelt(option)
        for spelling, value in spellings.items():
            known[spelling] = option, name, value
        found[name] = _default(option, value)
    given: list[str] = []
    place = 0
    while place < len(words):
        word = words[place]
        place += 1
        if word == "--":
            given += words[place:]
            break
        if word == "-" or not word.startswith("-"):
            given.append(word)
            if options_first:
                given += words[place:]
                break
            continue
        long = word.startswith("--")
        spelling, separator, text = word.partition("=") if long else (word, "", "")
        if not long and given and word[:2] not in known and word[:2] != HELP:
            given.append(word)  # "-1", say, or an option of a program of the guest's.
            continue
        if spelling not in known or (not long and len(given) > 1):
            raise Unclear
        option, name, value = known[spelling]
        if value is None:
            if not separator:
                if place == len(words):
                    raise Unclear
                text = words[place]
                place += 1
            converted = _converted(option, text)
            found[name] = (*found[name], converted) if _repeated(option) else converted
        elif separator:
            raise Unclear
        else:
            found[name] = value
    return found | _arguments([each for each in parameters if each.kind != "option"], given)


def _spelt(option: Parameter) -> tuple[str, dict[str, bool | None]]:
    """The name of a parameter, and how its option may be written: with True or False for flags."""
    if not option.attributes.keys() <= _KNOWN:
        raise Unclear
    name = ""
    spellings: dict[str, bool | None] = {}
    for written in option.names:
        if not written.startswith("-"):
            name = written
            continue
        positive, slash, negative = written.partition("/")
        spellings[positive] = True if slash or option.attributes.get("is_flag") else None
        if slash:
            spellings[negative] = False
    if not name:
        # click's rule: the first of those with the longest prefix.
        long = [each for each in spellings if each.startswith("--")] or list(spellings)
        name = long[0].lstrip("-").replace("-", "_").lower()
    return name, spellings


def _repeated(option: Parameter) -> bool:
    return bool(option.attributes.get("multiple"))


def _default(option: Parameter, flag: bool | None) -> Any:
    if _repeated(option):
        return ()
    default = option.attributes.get("default")
    if flag is not None:
        return bool(default)
    return None if default is None else _converted(option, default)


def _converted(parameter: Parameter, value: Any) -> Any:
    kind = parameter.attributes.get("type")
    if kind is None:
        return value
    if kind is int:
        if not str(value).isascii() or not str(value).isdigit():
            raise Unclear
        return int(value)
    if not isinstance(kind, Type):
        raise Unclear
    return kind.convert(value, None, None)


def _arguments(arguments: list[Parameter], words: list[str]) -> dict[str, Any]:
    """The values of KERNEL and of the guest's words."""
    if len(arguments) != 2 or arguments[1].attributes.get("nargs") != -1:
        raise Unclear
    kernel, rest = arguments
    if not words and kernel.attributes.get("required", True):
        raise Unclear
    return {
        kernel.names[0]: _converted(kernel, words[0]) if words else None,
        rest.names[0]: tuple(_converted(rest, word) for word in words[1:]),
    }
