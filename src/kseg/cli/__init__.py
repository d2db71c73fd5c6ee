"""The command `kseg`: one file a subcommand, imported when it is asked for.

Starting is fast because nothing else is: the table below says all that `kseg --help` needs.
"""

import gc
import os
import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import click

from kseg import progress
from kseg.cli import streams
from kseg.platform import host

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = {
    "run": "Boot a kernel or a bundled guest, with its console here.",
    "host": "Run many guests on one machine.",
    "hub": "Let machines with network cards talk to each other.",
    "sys161": "The same with System/161's options, messages and statistics.",
    "replay": "Repeat a recorded run, and check that nothing differs.",
    "profile": "Run a guest, and say where its time went.",
    "trace": "Run a guest and write down what it does.",
    "timeline": "Show what happened when in a recorded run.",
    "snapshot": "Show, compare and check snapshots of machines.",
    "disk": "Create, check, resize disk images; files on them (cms, OS/161).",
    "asm": "Assemble R3000 instructions.",
    "disasm": "Disassemble an executable or words.",
    "analyze": "Check Popek and Goldberg's conditions on the instruction set.",
    "compare": "Run a guest in every way there is, side by side.",
    "explore": "Run a guest under many timings of interrupts, to find races.",
    "bench": "Measure kseg beside other emulators installed here.",
    "cache": "Show or empty the cache of generated machine code.",
    "guests": "List the guests that come along.",
    "help": "Show the help of a command, or the manual page.",
    "completion": "Let a shell complete commands, options and names.",
}
"""Every subcommand: its module in this package, the click command in it, and its summary."""

WRONG = 2
BROKEN_PIPE = 141
INTERRUPTED = 130
"""Exit codes beside those of the subcommands: 128 + the signal's number."""

COMPLETION = "_KSEG_COMPLETE"
"""In the environment, it says what a shell wants that asks for completions."""


def _module_of(command: str) -> str:
    room = "system161" if command in ("hub", "sys161") else "commands"
    return f"kseg.cli.{room}.{command}"


class Commands(click.Group):
    """The group `kseg`, whose subcommands are imported on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = import_module(_module_of(cmd_name))
        command: click.Command = getattr(module, cmd_name)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem[Any]]":
        """The subcommands, without importing any."""
        from click.shell_completion import CompletionItem

        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return [
            CompletionItem(name, help=summary)
            for name, summary in COMMANDS.items()
            if name.startswith(incomplete)
        ]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list of subcommands, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _show_version(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted:
        from kseg.version import __version__

        click.echo(f"kseg {__version__}")
        context.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    "-V",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
def kseg() -> None:
    """A virtual machine monitor for the MIPS R3000.

    Try: kseg run cms
    """


def main() -> NoReturn:
    """The console script: whatever the user did wrong is one line on stderr."""
    streams.prepare()
    # What a start makes stays; looking for garbage in it, also at the end, is a fifth of the time
    # that a short run takes.
    gc.disable()
    warnings.showwarning = show_warning
    if os.isatty(2):
        progress.listener = _show_progress
    code = _exit_code(lambda: _obey(sys.argv[1:] or ["--help"]))
    unwritten = _exit_code(sys.stdout.flush)
    streams.erase()
    gc.freeze()
    sys.exit(unwritten or code)


def _show_progress(text: str, long: bool) -> None:
    from kseg.cli.progress import show

    show(text, long)


def _obey(arguments: list[str]) -> None:
    """Do what the command line says. click's own `main` has other ideas of errors in output."""
    if COMPLETION in os.environ:
        from kseg.cli.commands.completion import complete

        complete(kseg, COMPLETION)
    with kseg.make_context("kseg", arguments) as context:
        host.check()
        kseg.invoke(context)


def _exit_code(act: Callable[[], object]) -> int:
    """Do something; how the process is to exit because of what came of it. The user is told."""
    from kseg.errors import KsegError

    try:
        act()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except KsegError as error:
        _say(str(error))
        return error.exit_code
    except click.UsageError as error:
        from kseg.cli.advice import usage

        _say(usage(error))
        return WRONG
    except click.ClickException as error:
        _say(error.format_message())
        return WRONG
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except streams.OutputClosed:
        return BROKEN_PIPE
    return 0


def show_warning(message: Warning | str, *_where: object, **_more: object) -> None:
    """A warning is one line for the user too."""
    _say(f"warning: {message}")


def _say(text: str) -> None:
    """One line on stderr."""
    from kseg.cli.output import one_line

    print(f"kseg: {one_line(text)}", file=sys.stderr)
