"""`kseg completion`: completion of commands, options and values in a shell.

The scripts ask kseg itself (with _KSEG_COMPLETE in the environment), so that they need not be made
again when kseg changes. What is suggested is for `kseg.cli.parameters`.
"""

import os
import sys
from pathlib import PurePath
from typing import Any, NoReturn

from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    shell_complete,
    split_arg_string,
)

from kseg.cli import lazy_click as click

EPILOG = """
\b
For bash, put this into ~/.bashrc:  eval "$(kseg completion bash)"
For zsh, into ~/.zshrc:             eval "$(kseg completion zsh)"
For fish:  kseg completion fish > ~/.config/fish/completions/kseg.fish
"""

BASH = """\
%(complete_func)s() {
    local IFS=$'\\n' kind value word="${COMP_WORDS[COMP_CWORD]}"
    [[ $word == [=:] ]] && word=
    COMPREPLY=()
    while IFS=, read -r kind value; do
        case $kind in
        plain)
            [[ $value == *= ]] && compopt -o nospace 2>/dev/null
            COMPREPLY+=("$value")
            ;;
        dir | file)
            compopt -o filenames 2>/dev/null
            while IFS= read -r value; do
                COMPREPLY+=("$value")
            done < <(compgen -${kind:0:1} -- "${word##*[,=:]}")
            ;;
        esac
    done < <(COMP_LINE="$COMP_LINE" COMP_POINT=$COMP_POINT %(complete_var)s=bash_complete "$1")
}
complete -o nosort -F %(complete_func)s %(prog_name)s 2>/dev/null ||
    complete -F %(complete_func)s %(prog_name)s
"""

BREAKS = "=:"
"""Where readline divides a word: only what stands behind the last is replaced."""


class _WithOption:
    """Values that are written behind `--option=` keep that before them."""

    def get_completions(self, args: list[str], incomplete: str) -> "list[CompletionItem[Any]]":
        found = super().get_completions(args, incomplete)  # type: ignore[misc]
        if not (incomplete.startswith("--") and "=" in incomplete):
            return list(found)
        head = incomplete.partition("=")[0] + "="
        return [
            item
            if item.type != "plain" or str(item.value).startswith("--")
            else CompletionItem(f"{head}{item.value}", help=item.help)
            for item in found
        ]


class Bash(_WithOption, BashComplete):
    """Bash, asked with the line as it stands, since it divides words in its own way."""

    source_template = BASH

    def source(self) -> str:
        return ShellComplete.source(self)

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ["COMP_LINE"].encode()[: int(os.environ["COMP_POINT"])].decode()
        words = split_arg_string(line)
        incomplete = "" if line.endswith((" ", "\t")) or not words[1:] else words.pop()
        self._incomplete = incomplete
        return words[1:], incomplete

    def format_completion(self, item: "CompletionItem[Any]") -> str:
        kept = max(self._incomplete.rfind(mark) for mark in BREAKS) + 1
        value = str(item.value)
        return f"{item.type},{value[kept:] if item.type == 'plain' else value}"


class Zsh(_WithOption, ZshComplete):
    """Zsh; a file's name behind `--option=` is completed too."""

    source_template = ZshComplete.source_template.replace(
        "_path_files -", "compset -P '*[=,]'; _path_files -"
    )


class Fish(_WithOption, FishComplete):
    """Fish."""


SHELLS: "dict[str, type[ShellComplete]]" = {"bash": Bash, "zsh": Zsh, "fish": Fish}


def variable_of(program: str) -> str:
    """The environment variable that says what a shell wants to have completed: click's rule."""
    return f"_{program}_COMPLETE".replace("-", "_").upper()


@click.command(epilog=EPILOG)
@click.argument("shell", type=click.Choice(list(SHELLS)), required=False)
def completion(shell: str | None) -> None:
    """Print a script that lets SHELL (bash, zsh or fish; default: yours) complete commands,
    options, files and names."""
    root = click.get_current_context().find_root()
    name = shell or PurePath(os.environ.get("SHELL", "")).name
    if name not in SHELLS:
        raise click.UsageError(f"no completion for {name or 'this shell'}: say bash, zsh or fish")
    program = str(root.info_name)
    click.echo(SHELLS[name](root.command, {}, program, variable_of(program)).source())


def complete(group: click.Command, variable: str) -> NoReturn:
    """Answer the script in a shell."""
    for name, each in SHELLS.items():
        add_completion_class(each, name)
    sys.exit(shell_complete(group, {}, "kseg", variable, os.environ[variable]))
