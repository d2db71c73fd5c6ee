"""Python processes in the background: nothing waits for one, and none is left behind."""

import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

_ROOT = str(Path(__file__).parents[4])
_CODE = (
    "import sys; from importlib import import_module as load; "
    "sys.path.insert(0, sys.argv[1]); load('kseg'); del sys.path[0]; "
    "load(sys.argv[2]).main(*sys.argv[3:])"
)
"""Imports this very kseg, and whatever else from where Python looks for it."""


def command(module: str, *arguments: str) -> list[str]:
    """What calls `main` of one of kseg's modules in a process of its own."""
    # -P: the directory that the user happens to be in is not a place to import from.
    # -W: nobody hears warnings there, and none may be an error.
    flags = ["-P", "-W", "ignore", "-c", _CODE]
    return [sys.executable, *flags, _ROOT, module, *arguments]


def start(arguments: list[str], *, piped: bool) -> "subprocess.Popen[bytes] | None":
    """Start a command, with pipes as its stdin and stdout or with none; None if that cannot be
    done. It is in a process group of its own: Ctrl-C is meant for the guest."""
    stream = subprocess.PIPE if piped else subprocess.DEVNULL
    with suppress(OSError):
        return subprocess.Popen(
            arguments,
            stdin=stream,
            stdout=stream,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )
    return None


def leave(process: "subprocess.Popen[bytes]") -> None:
    """Let a process go: it ends when it has done what it is doing, which its closed pipes tell
    it. Does not wait, but sees to it that no zombie remains."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
    if process.poll() is None:
        try:
            threading.Thread(target=process.wait, name="kseg reaper", daemon=True).start()
        except RuntimeError:  # this process is ending itself: init will see to it
            process.returncode = 0
