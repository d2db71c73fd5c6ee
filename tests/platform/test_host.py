"""Hosts other than Linux, as far as they can be played here: what kseg says, and what still works.

A process of its own believes to be there: the modules and functions that such a host lacks are
taken away before kseg is imported.
"""

import subprocess
import sys

import pytest

from kseg.errors import HostError
from kseg.platform import host
from tests.cli.command import environment

WINDOWS = """
import os, signal, socket, sys
import click, msgspec, pathlib, shutil  # which know the real host
sys.platform, os.name = "win32", "nt"
for name in ("fcntl", "termios", "tty", "pty", "pwd", "grp", "resource", "posix"):
    sys.modules[name] = None
for name in ("uname", "geteuid", "getuid", "getpgrp", "tcgetpgrp", "fork", "killpg", "pread",
             "pwrite", "memfd_create", "sched_getaffinity", "O_NONBLOCK", "O_CLOEXEC",
             "O_DIRECTORY", "O_NOFOLLOW", "O_TMPFILE", "fchmod", "openpty", "statvfs"):
    delattr(os, name)
for name in ("SIGHUP", "SIGQUIT", "SIGTSTP", "SIGCONT", "SIGPIPE", "alarm"):
    delattr(signal, name)
del socket.AF_UNIX
"""

MACOS = """
import os, sys
import click, msgspec
sys.platform = "darwin"
for name in ("memfd_create", "sched_getaffinity", "O_TMPFILE", "posix_fallocate"):
    delattr(os, name)
real = os.open
def opened(path, *rest, **more):
    if str(path).startswith("/proc"):
        raise FileNotFoundError(path)
    return real(path, *rest, **more)
os.open = opened
"""

COMMAND = """
sys.argv[0] = "kseg"
from kseg.cli import main
main()
"""


def on(host_: str, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What a program does that believes to be on a host."""
    return subprocess.run(
        [sys.executable, "-c", host_ + program, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment(),
        check=False,
    )


def test_windows_is_one_line_that_says_what_to_do() -> None:
    done = on(WINDOWS, COMMAND, "run", "cms", "halt")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "kseg: kseg does not run on Windows itself: use it in WSL 2 (wsl --install), or in a"
        " container with Linux\n"
    )


def test_windows_shows_help() -> None:
    done = on(WINDOWS, COMMAND, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Boot a kernel" in done.stdout


def test_windows_from_python() -> None:
    program = """
import kseg
try:
    kseg.Machine
except Exception as error:
    print(type(error).__name__, error)
"""
    assert on(WINDOWS, program).stdout.startswith("HostError kseg does not run on Windows")


def test_macos_boots_on_the_reference_with_one_warning() -> None:
    done = on(MACOS, COMMAND, "run", "cms", "halt")
    assert done.returncode == 0
    assert done.stdout.startswith("cms 1.0")
    assert done.stderr == (
        "kseg: warning: native code needs Linux, which any container has: engine reference runs"
        " the guest, slowly\n"
    )


@pytest.mark.slow
def test_macos_forks_saves_and_says_what_native_engines_need() -> None:
    program = """
import tempfile, warnings
from kseg import EngineError, Machine
warnings.simplefilter("ignore")
with Machine("cms") as machine:
    machine.console.expect("cms> ")
    with machine.fork() as other, tempfile.TemporaryDirectory() as place:
        other.save(f"{place}/snapshot")
        other.console.sendline("echo forked")
        print(other.console.expect("cms> ").before.split()[-1])
try:
    Machine("cms", engine="interpreter")
except EngineError as error:
    print(error)
"""
    done = on(MACOS, program)
    assert done.stdout == (
        "forked\nengine interpreter: native code needs Linux, which any container has; the engine"
        " called reference can do without, slowly\n"
    ), done.stderr


@pytest.mark.parametrize(
    ("machine", "name"), [("AMD64", "x86_64"), ("arm64", "aarch64"), ("riscv64", "riscv64")]
)
def test_processors_have_the_names_that_linux_gives_them(
    machine: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Names:
        pass

    names = Names()
    names.machine = machine  # type: ignore[attr-defined]
    monkeypatch.setattr(host.os, "uname", lambda: names)
    assert host._processor() == name


def test_linux_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    host.check()
    monkeypatch.setattr(host, "SYSTEM", "win32")
    with pytest.raises(HostError, match="WSL 2"):
        host.check()
