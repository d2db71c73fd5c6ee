"""Completion in shells: what is suggested, and that the scripts do it."""

import shutil
import subprocess
from pathlib import Path

import click
import pytest

from kseg.cli.commands.completion import SHELLS
from tests.cli.command import COMMAND, environment, forked, kseg
from tests.cli.command_tree import ALL, command

ASK = r"""
kseg() { command_of_the_test "$@"; }
command_of_the_test() { %(command)s "$@"; }
%(script)s
while IFS= read -r line; do
    COMP_LINE=$line
    COMP_POINT=${#line}
    # As readline divides words.
    IFS=' ' read -ra COMP_WORDS <<< "$(sed 's/[=:]/ & /g' <<< "$line")"
    [[ $line == *' ' ]] && COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _kseg_completion command_of_the_test
    echo "${COMPREPLY[*]}"
done
"""

LINES = {
    "kseg re": "replay",
    "kseg disk cr": "create",
    "kseg snapshot ": "diff info verify",
    "kseg run --eng": "--engine",
    "kseg run --engine ": "auto translator interpreter reference",
    "kseg run --engine=in": "interpreter",
    "kseg replay --monitor h": "hybrid",
    "kseg run --pace=r": "real",
    "kseg trace -e exception,int": "exception,interrupt",
    "kseg run c": "cms cms-kuseg copy.log",
    "kseg run ./c": "./copy.log",
    "kseg profile cms pri": "primes",
    "kseg profile cms primes --fl": "--flame",
    "kseg run --input d": "dir disk.img",
    "kseg run --share d": "dir",
    "kseg run --stats=co": "copy.log",
    "kseg replay co": "copy.log",
    "kseg disk info disk": "disk.img",
    "kseg host --guest a=cms-": "cms-kuseg",
    "kseg host --guest a=cms,mon": "cms,monitor=",
    "kseg host --guest a=cms,monitor=h": "hybrid",
    "kseg host --guest a=cms,disk=di": "dir disk.img",
    "kseg asm --profile l": "lsi",
    "kseg analyze --cpu m": "mips161",
    "kseg compare --ways hybrid,ref": "hybrid,reference",
    "kseg explore --strategy p": "pct places",
    "kseg help sn": "snapshot",
    "kseg completion f": "fish",
    "kseg nothing x": "",
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "dir").mkdir()
    for name in ("copy.log", "disk.img"):
        (tmp_path / name).touch()
    return tmp_path


def script(shell: str) -> str:
    result = forked("completion", shell)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash(directory: Path) -> None:
    program = ASK % {"command": " ".join(COMMAND), "script": script("bash")}
    result = subprocess.run(
        ["bash", "--norc", "-c", program],
        input="\n".join(LINES) + "\n",
        capture_output=True,
        encoding="utf-8",
        cwd=directory,
        env=environment(),
        check=True,
    )
    assert result.stderr == ""
    for (line, words), found in zip(LINES.items(), result.stdout.splitlines(), strict=True):
        assert sorted(found.split()) == sorted(words.split()), line


@pytest.mark.parametrize(
    "line", ["kseg run c", "kseg run --engine=in", "kseg trace -e exception,int"]
)
def test_what_bash_is_told(line: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_KSEG_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_LINE", line)
    monkeypatch.setenv("COMP_POINT", str(len(line)))
    told = forked(cwd=directory).stdout.splitlines()
    plain = [each.removeprefix("plain,") for each in told if not each.startswith("file")]
    assert plain == LINES[line].replace(" copy.log", "").split()


@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish")
def test_fish(directory: Path) -> None:
    program = (
        f"function kseg; {' '.join(COMMAND)} $argv; end\n"
        + script("fish").replace(" kseg);", f" {' '.join(COMMAND)});")
        + "complete -C 'kseg disk re'\ncomplete -C 'kseg run --engine=in'\n"
    )
    result = subprocess.run(
        ["fish", "--no-config", "-c", program],
        capture_output=True,
        encoding="utf-8",
        cwd=directory,
        env=environment(HOME=str(directory)),
        check=True,
    )
    assert "resize" in result.stdout
    assert "--engine=interpreter" in result.stdout


@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh")
def test_zsh_reads_its_script(directory: Path) -> None:
    program = f"autoload -Uz compinit; compinit -u -D\n{script('zsh')}\nwhich _kseg_completion"
    result = subprocess.run(
        ["zsh", "-f", "-c", program],
        capture_output=True,
        encoding="utf-8",
        env=environment(HOME=str(directory)),
        check=True,
    )
    assert result.stderr == ""
    assert "zsh_complete" in result.stdout


def test_every_value_is_completed_or_known_to_be_free() -> None:
    missing = {
        (*path, param.name)
        for path in ALL
        for param in command(path).params
        if param.type is click.STRING
    }
    assert not missing, "give it a type of kseg.cli.parameters: Text where nothing completes it"


def test_bundled_guests_have_programs_to_complete() -> None:
    context = click.Context(command(("run",)))
    context.params = {"kernel": "cms"}
    (words,) = (each for each in command(("run",)).params if each.name == "arguments")
    complete = words.type.shell_complete
    assert {item.value for item in complete(context, words, "s")} >= {"shell", "sieve", "sort"}
    context.params = {"kernel": "./k"}
    assert complete(context, words, "s") == []


@pytest.mark.parametrize("shell", SHELLS)
def test_scripts_of_the_users_shell(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", f"/usr/bin/{shell}")
    assert forked("completion").stdout == script(shell)


def test_a_shell_that_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    result = forked("completion")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "say bash, zsh or fish" in result.stderr
    assert kseg("completion", "tcsh").returncode == 2
