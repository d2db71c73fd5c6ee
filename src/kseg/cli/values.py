"""What may stand for a parameter's value, for a shell's completion.

Parameters are known by their names, as in `kseg.cli.file_kinds`; what has FILE or DIR as its
metavar takes files or directories.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import click
from click.shell_completion import CompletionItem

Items = list["CompletionItem[Any]"]
Complete = Callable[[click.Context, click.Parameter, str], Items]


def _among(names: Callable[[], Iterable[str] | Mapping[str, str]]) -> Complete:
    """One of some names, with help where they come with it."""

    def complete(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
        found = names()
        helps = found if isinstance(found, Mapping) else {}
        return [
            CompletionItem(name, help=helps.get(name))
            for name in found
            if name.startswith(incomplete)
        ]

    return complete


def _list_of(names: Callable[[], Iterable[str]]) -> Complete:
    """Names with commas between them: the last is being written."""

    def complete(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
        before, comma, last = incomplete.rpartition(",")
        taken = before.split(",")
        return [
            CompletionItem(f"{before}{comma}{name}")
            for name in names()
            if name.startswith(last) and name not in taken
        ]

    return complete


def files(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
    """A file."""
    return [CompletionItem(incomplete, type="file")]


def directories(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
    """A directory."""
    return [CompletionItem(incomplete, type="dir")]


def kernels(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """A bundled guest, or a file."""
    return _among(_guests)(context, parameter, incomplete) + files(context, parameter, incomplete)


def guest_words(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """A program of a bundled guest, for its first word."""
    kernel = context.params.get("kernel")
    if kernel not in _guests() or context.params.get("arguments"):
        return []
    return _among(lambda: _programs(str(kernel)))(context, parameter, incomplete)


def guest_options(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """NAME=KERNEL,KEY=VALUE...: what is being written of it."""
    from kseg.cli.guest_options import KEYS

    before, comma, last = incomplete.rpartition(",")
    key, equals, value = last.partition("=")
    head = f"{before}{comma}{key}{equals}"
    if not comma:
        found = kernels(context, parameter, value) if equals else []
    elif not equals:
        return [CompletionItem(f"{before},{name}=") for name in KEYS if name.startswith(key)]
    else:
        found = _of_key(key)(context, parameter, value)
    return [CompletionItem(f"{head}{item.value}", type=item.type, help=item.help) for item in found]


def _of_key(key: str) -> Complete:
    if key in ("disk", "config", "input", "share"):
        return files
    return _among(_monitors if key == "monitor" else tuple)


def _guests() -> Mapping[str, str]:
    from kseg.api.guests import BUNDLED

    return {name: guest.summary for name, guest in BUNDLED.items()}


def _programs(kernel: str) -> list[str]:
    import zipfile

    from kseg.api.guests import find_guest, programs_of

    archive = programs_of(find_guest(kernel).path)
    return [] if archive is None else ["halt", *zipfile.ZipFile(archive).namelist()]


def _engines() -> Iterable[str]:
    from kseg.engine import CHOICES

    return CHOICES


def _own_engines() -> Iterable[str]:
    from kseg.engine import ENGINES

    return ENGINES


def _monitors() -> Iterable[str]:
    from kseg.monitor import CHOICES

    return CHOICES


def _profiles() -> Iterable[str]:
    from kseg.isa.profile import PROFILES

    return PROFILES


def _events() -> Iterable[str]:
    from kseg.api.tracing import KINDS

    return (*KINDS, "all")


def _ways() -> Iterable[str]:
    from kseg.compare.ways import WAYS

    return WAYS


def _workloads() -> Iterable[str]:
    from kseg.bench.session import WORKLOADS

    return WORKLOADS


def _benchmarks() -> Iterable[str]:
    from kseg.bench.programs import PROGRAMS

    return PROGRAMS


def _peers() -> Iterable[str]:
    from kseg.bench.others import OTHERS

    return (*OTHERS, "none")


def _strategies() -> Iterable[str]:
    from kseg.exploration.plans import STRATEGIES

    return STRATEGIES


def _commands() -> Mapping[str, str]:
    from kseg.cli import COMMANDS

    return COMMANDS


BY_NAME: dict[str, Complete] = {
    "kernel": kernels,
    "arguments": guest_words,
    "guests": guest_options,
    "engine": _among(_engines),
    "monitor": _among(_monitors),
    "profile": _among(_profiles),
    "cpu": _among(_profiles),
    "events": _list_of(_events),
    "ways": _list_of(_ways),
    "workloads": _list_of(_workloads),
    "programs": _list_of(_benchmarks),
    "engines": _list_of(_own_engines),
    "peers": _list_of(_peers),
    "strategy": _among(_strategies),
    "seed": _among(lambda: ("auto",)),
    "escape": _among(lambda: ("^A", "^]", "none")),
    "command": _among(_commands),
    "os161_kernel": files,
    "log": files,
    "image": files,
    "one": files,
    "other": files,
    "source": files,
    "sources": files,
    "target": files,
    "inputs": files,
    "gdb": files,
    "socket": files,
}

BY_METAVAR: dict[str, Complete] = {
    "FILE": files,
    "FILE...": files,
    "LOG": files,
    "CYCLE:FILE": files,
    "DIR": directories,
}

FREE = {
    "ram", "overrides", "port", "trace_flags", "label", "size", "path", "paths", "section",
    "symbol", "addresses", "definitions", "expect", "reject", "after", "os161_runs",
}  # fmt: skip
"""Parameters for whose values nothing can be suggested: sizes, texts, names inside of files."""


class Suggested(click.ParamType):  # type: ignore[type-arg]
    """A parameter's type, with suggestions."""

    def __init__(self, inner: click.ParamType, complete: Complete) -> None:  # type: ignore[type-arg]
        self.name = inner.name
        self._inner, self._complete = inner, complete

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        return self._inner(value, param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
        return self._complete(ctx, param, incomplete)


def suggestions(parameter: click.Parameter) -> Complete | None:
    """What a parameter's values are completed with; None where click knows, or nobody does."""
    if isinstance(parameter.type, (click.Choice, click.types.BoolParamType)):
        return None
    found = BY_NAME.get(parameter.name or "")
    return found or BY_METAVAR.get(parameter.metavar or parameter.type.name)


def suggest(command: click.Command) -> None:
    """Let a command, and those in it, complete the values of their parameters."""
    if isinstance(command, click.Group):
        for each in command.commands.values():
            suggest(each)
        return
    for parameter in command.params:
        complete = suggestions(parameter)
        if complete is not None:
            parameter.type = Suggested(parameter.type, complete)
