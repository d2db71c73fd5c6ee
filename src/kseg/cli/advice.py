"""What to say about a command line that cannot be obeyed: one line, and the nearest thing that
could have been meant."""

import re
from collections.abc import Iterable

import click


def nearest(name: str, names: Iterable[str]) -> str:
    """ "Did you mean ...?" after a blank, where one of the names looks like it; else nothing."""
    from difflib import get_close_matches

    near = get_close_matches(name, names, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def usage(error: click.UsageError) -> str:
    """A wrong usage in one line, with the command whose --help says more."""
    context = error.ctx
    path = context.command_path if context else "kseg"
    return f"{_problem(error, context)} (see: {path} --help)"


def _problem(error: click.UsageError, context: click.Context | None) -> str:
    command = None if context is None else context.command
    if isinstance(error, click.NoSuchOption) and context is not None and command is not None:
        names = [name for param in command.get_params(context) for name in param.opts]
        return f"No such option: {error.option_name}.{nearest(error.option_name, names)}"
    text = error.format_message()
    if isinstance(command, click.Group) and context is not None:
        names = command.list_commands(context)
        unknown = re.match(r"No such command '(.*?)'\.", text)
        if unknown:
            return f"{unknown[0]}{_meant(unknown[1], names, context)}"
        if text.startswith(("Missing command", "Usage:")):
            return f"Missing command: {', '.join(names)}."
    return text.replace("is not a valid integer range", "is not a whole number")


def _meant(name: str, names: list[str], context: click.Context) -> str:
    """What the user meant by a command that does not exist."""
    from kseg.api.guests import BUNDLED
    from kseg.cli.file_kinds import use

    if context.parent is None:
        if name in BUNDLED:
            return f" To boot it: kseg run {name}"
        to_do = use(name)
        if to_do:
            return f" {to_do[0].upper()}{to_do[1:]}"
    return nearest(name, names)
