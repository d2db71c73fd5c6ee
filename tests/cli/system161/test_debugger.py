"""How gdb reaches a guest of `kseg sys161`."""

import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli import kernels
from tests.cli.command import COMMAND, environment, kseg
from tests.cli.system161.test_sys161 import BANNER, CONFIGURATION
from tests.gdb.running import SECONDS, Client
from tests.unwind.programs import CALLING, SPINNING, symbols

SOCKET = Path(".sockets/gdb")
WAITING = "sys161: Waiting for debugger connection...\n"
PC = 37


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current directory: a socket's path must be short."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sys161.conf").write_text(CONFIGURATION)
    for made in (kernels.breaking, kernels.misusing, kernels.panicking):
        (tmp_path / made.__name__).write_bytes(made())
    (tmp_path / "calling").write_bytes(kernels.kernel(CALLING))
    (tmp_path / "spins").write_bytes(kernels.kernel(SPINNING))


@contextmanager
def running(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [*COMMAND, "sys161", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=environment(),
    )
    try:
        assert process.stderr is not None
        assert process.stderr.readline() == BANNER
        yield process
    finally:
        process.kill()
        process.communicate()


def until_it_waits(process: "subprocess.Popen[str]") -> list[str]:
    """What it says before it waits for a debugger."""
    assert process.stderr is not None
    said = []
    while (line := process.stderr.readline()) != WAITING:
        assert line
        said.append(line)
    return said


@pytest.mark.parametrize(
    ("kernel", "signal", "end", "first"),
    [
        ("panicking", 5, "W01", "sys161: trace: software-requested debugger stop\n"),
        ("misusing", 6, "W01", "sys161: Invalid power state\n"),
        ("breaking", 5, None, None),
    ],
)
def test_a_guest_in_need_waits_for_its_debugger(
    kernel: str, signal: int, end: str | None, first: str | None
) -> None:
    with running(kernel) as process:
        said = until_it_waits(process)
        assert said[:1] == [first] * (first is not None)
        assert stat.S_IMODE(SOCKET.stat().st_mode) == 0o600
        assert stat.S_IMODE(SOCKET.parent.stat().st_mode) == 0o700
        with Client(str(SOCKET)) as client:
            assert client.ask("?") == f"T{signal:02x}thread:1;"
            if end is None:
                # It stays at its BREAK until something is done about that.
                before = client.register(PC)
                assert client.ask("c") == "T05thread:1;"
                assert client.register(PC) == before
                client.send("k")
                assert process.wait(SECONDS) == 3
            else:
                assert client.ask("c") == end
                assert process.wait(SECONDS) == 1
        assert process.stderr is not None
        rest = process.stderr.read()
        assert "Exiting instead of waiting" not in rest
        assert ("Debugger requested kill" in rest) == (end is None)
    assert not SOCKET.exists()


def test_a_running_guest_can_be_stopped() -> None:
    with running("spins") as process:
        deadline = time.monotonic() + SECONDS
        while not SOCKET.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.05)  # between making it and listening there
        with Client(str(SOCKET)) as client:
            assert client.ask("?") == "T05thread:1;"
            before = client.cycles()
            assert client.ask("D") == "OK"
        time.sleep(0.1)
        with Client(str(SOCKET)) as client:
            assert client.cycles() > before
            client.send("k")
            assert process.wait(SECONDS) == 3


def test_w_waits_at_the_start() -> None:
    with running("-w", "calling") as process:
        assert until_it_waits(process) == []
        with Client(str(SOCKET)) as client:
            assert client.cycles() == 0
            assert client.ask(f"Z0,{symbols(CALLING)['work']:x},4") == "OK"
            assert client.ask("c") == "T05thread:1;"
        # A debugger that detaches lets it run.
        assert process.wait(SECONDS) == 0


def test_a_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with running("-w", "-p", str(port), "calling") as process:
        until_it_waits(process)
        assert not SOCKET.exists()
        with Client(f"127.0.0.1:{port}") as client:
            assert client.ask("c") == "W00"
        assert process.wait(SECONDS) == 0


def test_x_waits_for_nobody() -> None:
    with running("-X", "spins"):
        time.sleep(0.6)
        assert not SOCKET.exists()


def test_where_one_cannot_listen() -> None:
    for given in ("x", "99999", "3.3:x", "198.51.100.1:1"):
        done = kseg("sys161", "-p", given, "calling")
        assert done.returncode == 2
        assert "sys161: -p " in done.stderr
        assert "Traceback" not in done.stderr
    shutil.rmtree(SOCKET.parent, ignore_errors=True)
    SOCKET.parent.write_text("not a directory")
    done = kseg("sys161", "panicking")
    assert done.returncode == 1
    assert "sys161: gdb socket .sockets/gdb: " in done.stderr
    assert done.stderr.endswith("sys161: Exiting instead of waiting for debugger...\n")
    done = kseg("sys161", "-w", "panicking")
    assert done.returncode == 2
