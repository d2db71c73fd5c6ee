"""Processes beside this one: kseg's own, which run in the background, and other programs.

None is left behind. A browser has none of them.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

Process = subprocess.Popen[bytes]

_ROOT = str(Path(__file__).parents[2])
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


def start(arguments: list[str], *, piped: bool) -> Process | None:
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


def never_wait(process: Process) -> None:
    """Reading from its pipes and writing to them raises BlockingIOError instead of waiting."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            os.set_blocking(pipe.fileno(), False)


def finish(process: Process, seconds: float) -> None:
    """Close its stdin, and wait for the end of a process that ends with that; so many seconds at
    most."""
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(max(seconds, 0))


def leave(process: Process) -> None:
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


def time_used(process: Process) -> float | None:
    """The seconds of processor time that a process has had; None when it has ended, or the host
    does not tell."""
    if process.returncode is not None or not hasattr(time, "clock_gettime"):
        return None
    # Linux: the clock of a process, as clock_getcpuclockid(3) gives it.
    with suppress(OSError):
        return time.clock_gettime(~process.pid << 3 | 2)
    return None


# Other programs.


class Finished(NamedTuple):
    """A program that has come to its end."""

    code: int
    output: bytes
    errors: bytes


class TookTooLong(Exception):
    """A program was killed because it had not ended in time."""


def run(words: Sequence[str], seconds: float) -> Finished:
    """Run a program, without input; OSError when it cannot be started, TookTooLong when it does not
    end within so many seconds."""
    try:
        done = subprocess.run(words, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise TookTooLong from None
    return Finished(done.returncode, done.stdout, done.stderr)


def show(words: Sequence[str], text: bytes) -> None:
    """Let a program have the user's terminal, and `text` as its input; OSError."""
    subprocess.run(words, input=text, check=False)


def start_group(
    words: Sequence[str],
    output: int,
    *,
    source: int | None = None,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Process:
    """Start a program that writes to the descriptor `output` and reads `source`, or nothing; with
    `environment` beside what this process has. Whatever it starts can be ended with it. OSError."""
    return subprocess.Popen(
        words,
        cwd=directory,
        stdin=subprocess.DEVNULL if source is None else source,
        stdout=output,
        stderr=output,
        env={**os.environ, **(environment or {})},
        start_new_session=True,
    )


def kill_group(process: Process) -> None:
    """End such a program, with all that it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def adopt_orphans() -> None:
    """What the children of this process leave behind becomes its children, where the host can do
    that (Linux)."""
    import ctypes

    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


_SET_CHILD_SUBREAPER = 36
"""Of prctl(2)."""


def processor_time(process: Process) -> float:
    """Wait for a process that leads a group; the seconds of processor time that it and its
    children have taken, with those that it leaves behind, if they are adopted."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = usage.ru_utime + usage.ru_stime
    while True:
        try:
            _, _, usage = os.wait4(-process.pid, 0)
        except ChildProcessError:
            return seconds
        seconds += usage.ru_utime + usage.ru_stime


def end(process: Process, seconds: float) -> str:
    """Wait so long for the end of a process, then kill it; says how it ended."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    process.kill()
    code = process.wait()
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
