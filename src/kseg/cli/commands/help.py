"""`kseg help`: what `--help` says, or all of it as a manual page."""

import shutil
import sys
from collections.abc import Mapping

from kseg.cli import lazy_click as click
from kseg.cli.parameters import Name


def _commands() -> Mapping[str, str]:
    from kseg.cli.commands import COMMANDS

    return COMMANDS


@click.command()
@click.option("--man", is_flag=True, help="The manual page of kseg with all commands.")
@click.argument("command", type=Name("COMMAND", _commands), nargs=-1)
def help(command: tuple[str, ...], man: bool) -> None:  # noqa: A001 - as it is called
    """Show the help of a COMMAND, such as disk create; without one, of kseg.

    With --man, the manual page is shown on a terminal, and elsewhere printed for man(1):
    kseg help --man | man -l -
    """
    if man:
        _show_manual()
        return
    from kseg.cli.tree import kseg

    context = click.Context(kseg, info_name="kseg", **kseg.context_settings)
    found: click.Command = kseg
    for name in command:
        inner = found.get_command(context, name) if isinstance(found, click.Group) else None
        if inner is None:
            raise click.UsageError(f"No such command {name!r}.", context)
        context = click.Context(inner, parent=context, info_name=name)
        found = inner
    click.echo(found.get_help(context))


def _show_manual() -> None:
    from kseg.cli.manual_page import manual_page

    page = manual_page()
    viewer = shutil.which("man") if sys.stdout.isatty() else None
    if viewer is None:
        click.echo(page, nl=False)
        return
    from kseg.platform.processes import show

    show([viewer, "-l", "-"], page.encode())
