"""kseg's manual page, kseg(1), made of the help of its commands.

`docs/kseg.1` is a copy, which wheels put where man(1) finds it: kseg help --man > docs/kseg.1
"""

import inspect
import re
from collections.abc import Iterable, Iterator

import click

ENVIRONMENT = {
    "KSEG_CACHE_DIR": "The directory for generated machine code (see kseg cache).",
    "KSEG_READY_MADE": "0: machine code that came with kseg is made here all the same.",
    "NO_COLOR": "No colours on a terminal.",
}
FILES = {
    "sys161.conf": "The machine of kernels that are given by their path, in the current directory.",
}
STATUS = """0 all went well; 1 the guest has failed; 2 wrong usage, configuration or files, or
output that cannot be written; 130 interrupted; 141 nobody reads the output any more. Some
commands have more, which are said above."""


def manual_page() -> str:
    """The page, in roff's man macros."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    from kseg.cli.tree import kseg
    from kseg.version import __version__

    context = click.Context(kseg, info_name="kseg", **kseg.context_settings)
    yield f'.TH KSEG 1 "" "kseg {__version__}" "User Commands"'
    yield ".SH NAME"
    yield r"kseg \- a virtual machine monitor for the MIPS R3000"
    yield ".SH SYNOPSIS"
    yield rf"\fBkseg\fR {_text(' '.join(kseg.collect_usage_pieces(context)))}"
    yield ".SH DESCRIPTION"
    yield from _prose(kseg.help)
    yield from _options(kseg, context)
    yield ".SH COMMANDS"
    for name in kseg.list_commands(context):
        command = kseg.get_command(context, name)
        assert command is not None
        yield from _command(command, click.Context(command, parent=context, info_name=name))
    yield ".SH ENVIRONMENT"
    yield from _definitions(ENVIRONMENT.items())
    yield ".SH FILES"
    yield from _definitions(FILES.items())
    yield ".SH EXIT STATUS"
    yield _text(" ".join(STATUS.split()))
    yield ".SH SEE ALSO"
    yield _text("The documents in kseg's directory docs; README.md says where to begin.")


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f'.SS "{_text(usage)}"'
    yield from _prose(command.help)
    yield from _options(command, context)
    if command.epilog:
        yield ".PP"
        yield from _prose(command.epilog)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _command(inner, click.Context(inner, parent=context, info_name=name))


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    records = [
        param.get_help_record(context)
        for param in command.params
        if isinstance(param, click.Option) and not param.hidden
    ]
    yield from _definitions(record for record in records if record is not None)


def _definitions(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    for term, meaning in pairs:
        yield ".TP"
        yield rf"\fB{_text(term)}\fR"
        yield _text(" ".join(meaning.split()))


def _prose(text: str | None) -> Iterator[str]:
    """Paragraphs; one that begins with a backspace keeps its lines."""
    for number, paragraph in enumerate(re.split(r"\n\s*\n", inspect.cleandoc(text or "").strip())):
        if number:
            yield ".PP"
        if paragraph.startswith("\b"):
            yield ".nf"
            yield from (_text(line) for line in paragraph[1:].strip("\n").splitlines())
            yield ".fi"
        else:
            yield _text(" ".join(paragraph.split()))


def _text(text: str) -> str:
    """A line that roff takes for text."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-").replace('"', r"\(dq")
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped
