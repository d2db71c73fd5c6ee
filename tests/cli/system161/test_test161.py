"""`kseg sys161` as test161 drives it: on a pseudo terminal, a character at a time, each echo
awaited; the meter is dialled at the first output."""

import contextlib
import os
import re
import signal
import socket
import time
from pathlib import Path
from types import SimpleNamespace

import pexpect
import pytest

from kseg.api.guests import find_guest
from tests.cli.command import COMMAND, PROMPT, environment
from tests.cli.system161.test_sys161 import CONFIGURATION

TIMEOUT = 30


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "test161.conf").write_text(CONFIGURATION)
    (tmp_path / "kernel").write_bytes(find_guest("cms").path.read_bytes())
    monkeypatch.chdir(tmp_path)
    child = pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], "sys161", "-X", "-c", "test161.conf", "kernel"],
        timeout=TIMEOUT,
        env=environment(),
        encoding="latin-1",
    )
    child.delaybeforesend = None
    meter = socket.socket(socket.AF_UNIX)
    meter.settimeout(TIMEOUT)
    child.expect(".")
    meter.connect(".sockets/meter")
    meter.sendall(b"INTERVAL 10000000\n")
    with meter:
        yield SimpleNamespace(child=child, meter=meter)
    child.close(force=True)


def read_all(meter: socket.socket) -> list[str]:
    found = b""
    with contextlib.suppress(ConnectionError):
        while data := meter.recv(65536):
            found += data
    return found.decode().split("\r\n")


def type_slowly(child, line: str) -> None:
    for character in line:
        child.send(character)
        child.expect(re.escape(character))
    child.send("\n")


def test_a_session(run) -> None:
    run.child.expect(PROMPT)
    type_slowly(run.child, "primes 10")
    run.child.expect("7\r\n")
    run.child.expect(PROMPT)
    type_slowly(run.child, "halt")
    run.child.expect(pexpect.EOF)
    lines = read_all(run.meter)
    run.child.close()
    assert (run.child.exitstatus, run.child.signalstatus) == (0, None)
    assert re.search(r"sys161: \d+ cycles", run.child.before)
    assert lines[1].startswith("HEAD nsec kinsns uinsns udud idle irqs exns disk con emu net")
    times = [int(line.split()[1]) for line in lines if line.startswith("DATA")]
    assert times
    assert times == sorted(times)
    assert not Path(".sockets/meter").exists()


def test_closing_its_terminal_ends_it(run) -> None:
    run.child.expect(PROMPT)
    run.child.close(force=False)
    # test161 knows of the end by the meter.
    assert read_all(run.meter)
    assert run.child.signalstatus == signal.SIGHUP
    assert not Path(".sockets/meter").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_killing(run, number: signal.Signals) -> None:
    run.child.expect(PROMPT)
    os.kill(run.child.pid, number)
    run.child.expect(pexpect.EOF)
    assert read_all(run.meter)
    deadline = time.monotonic() + TIMEOUT
    while run.child.isalive():
        assert time.monotonic() < deadline
    assert run.child.signalstatus == number
    # What a killed one has left does not keep the next from running.
    assert Path(".sockets/meter").exists() == (number == signal.SIGKILL)
    with contextlib.closing(
        pexpect.spawn(
            COMMAND[0],
            [*COMMAND[1:], "sys161", "-X", "-c", "test161.conf", "kernel", "halt"],
            timeout=TIMEOUT,
            env=environment(),
            encoding="latin-1",
        )
    ) as again:
        again.expect(pexpect.EOF)
    assert again.exitstatus == 0
