"""The command as a whole: help, version, lean starts, errors."""

import re
import subprocess
import sys

import pytest

from kseg.cli.commands import COMMANDS
from kseg.version import __version__
from tests.cli.command import environment, kseg


def test_help_lists_every_command():
    for arguments in ([], ["--help"], ["-h"]):
        result = kseg(*arguments)
        assert result.returncode == 0
        for name, summary in COMMANDS.items():
            assert re.search(rf"^  {name} +{re.escape(summary)}$", result.stdout, re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name):
    result = kseg(name, "--help")
    assert result.returncode == 0
    assert result.stdout.startswith(f"Usage: kseg {name} ")
    assert result.stderr == ""


def test_version():
    result = kseg("--version")
    assert (result.returncode, result.stdout) == (0, f"kseg {__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["fly"], "No such command 'fly'. (see: kseg --help)"),
        (["--fast"], "No such option"),
        (["run"], "Missing argument 'KERNEL'. (see: kseg run --help)"),
        (["run", "--cpus", "x", "cms"], "Invalid value for '--cpus'"),
        (["run", "--pace", "x", "cms"], "Invalid value for '--pace'"),
        (["disk", "burn"], "No such command 'burn'. (see: kseg disk --help)"),
    ],
)
def test_wrong_usage_is_one_line(arguments, text):
    result = kseg(*arguments)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("kseg: ")
    assert text in result.stderr
    assert result.stderr.count("\n") == 1


def imported_by(*arguments):
    """The modules that a command imports."""
    code = (
        "import sys, kseg.cli\n"
        f"sys.argv = ['kseg', *{arguments!r}]\n"
        "try: kseg.cli.main()\n"
        "except SystemExit: print(*sorted(sys.modules), file=sys.stderr)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        encoding="utf-8",
        env=environment(),
        stdin=subprocess.DEVNULL,
        check=True,
    )
    return set(result.stderr.split())


def test_help_imports_no_subcommand():
    modules = imported_by("--help") - {
        f"kseg.cli.{each}" for each in ("commands", "streams", "tree")
    }
    assert not any(name.startswith(("kseg.cli.", "kseg.machine", "msgspec")) for name in modules)


def test_a_boot_imports_what_it_needs():
    imported_by("run", "cms", "halt")  # fills the cache of generated code
    modules = imported_by("run", "cms", "halt")
    assert "kseg.engine.interpreter.engine" in modules
    heavy = {"llvmlite", "elftools", "rich", "zstandard", "asyncio", "json", "subprocess"}
    assert not heavy & {name.partition(".")[0] for name in modules}
