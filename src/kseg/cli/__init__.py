"""The command `kseg`: its subcommands are in `commands`, each imported when it is asked for."""

import gc
import os
import sys
import warnings
from collections.abc import Callable
from typing import NoReturn

from kseg import progress
from kseg.cli import streams
from kseg.cli.commands import COMMANDS, declared
from kseg.platform import host

WRONG = 2
BROKEN_PIPE = 141
INTERRUPTED = 130
"""Exit codes beside those of the subcommands: 128 + the signal's number."""

COMPLETION = "_KSEG_COMPLETE"
"""In the environment, it says what a shell wants that asks for completions."""


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
    """Do what the command line says. What leaves doubts is click's, which takes longer to import
    than a guest to boot. click's own `main` has other ideas of errors in output."""
    if COMPLETION not in os.environ and arguments[0] in COMMANDS:
        from kseg.cli.plain_line import read

        host.check()
        command = declared(arguments[0])
        values = read(command, arguments[1:])
        if values is not None:
            command.call(values)
            return
    from kseg.cli.tree import kseg

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
    except KsegError as error:
        _say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except streams.OutputClosed:
        return BROKEN_PIPE
    except Exception as error:
        if "click" not in sys.modules:
            raise
        return _ended_by_click(error)
    return 0


def _ended_by_click(error: Exception) -> int:
    """The same for what click raises; other errors are raised again."""
    import click

    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.Abort):
        return INTERRUPTED
    if not isinstance(error, click.ClickException):
        raise error
    if isinstance(error, click.UsageError):
        from kseg.cli.advice import usage

        _say(usage(error))
    else:
        _say(error.format_message())
    return WRONG


def show_warning(message: Warning | str, *_where: object, **_more: object) -> None:
    """A warning is one line for the user too."""
    _say(f"warning: {message}")


def _say(text: str) -> None:
    """One line on stderr."""
    from kseg.cli.output import one_line

    print(f"kseg: {one_line(text)}", file=sys.stderr)
