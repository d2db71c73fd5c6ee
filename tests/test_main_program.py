"""The command as a program: Ctrl-C at any moment of it."""

import signal
import subprocess
import sys

import pytest

from tests.cli.command import environment

INTERRUPTED_WHERE = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
where = sys.argv.pop(1)
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == where:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
import atexit
if where == "exit":
    atexit.register(os.kill, os.getpid(), signal.SIGINT)
from kseg.__main__ import main
main()
"""


@pytest.mark.parametrize(
    "where", ["click", "kseg.cli.commands.disk", "kseg.cli.advice", "kseg.errors", "exit"]
)
def test_an_interrupt_is_no_traceback(where: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_WHERE, where, "disk", "frob"],
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert done.returncode in (-signal.SIGINT, 128 + signal.SIGINT)
    assert "Traceback" not in done.stderr


def test_an_interrupt_that_is_ignored_stays_so() -> None:
    code = INTERRUPTED_WHERE.replace("default_int_handler", "SIG_IGN")
    done = subprocess.run(
        [sys.executable, "-c", code, "kseg.cli.commands.guests", "guests"],
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert (done.returncode, done.stderr) == (0, "")
