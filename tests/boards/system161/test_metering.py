"""A machine's meter, used by clients: with a run, a log, a snapshot, and as a process."""

import contextlib
import itertools
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from kseg import Machine
from kseg.api.guests import find_guest
from kseg.api.replay import Replay
from tests.cli import kernels
from tests.cli.command import COMMAND, environment, kseg
from tests.cli.system161.test_sys161 import CONFIGURATION
from tests.history.machines import EPOCH

FAULTING = kernels.kernel("""
        # A user program that never completes its only instruction, a system call.
        la      t0, handler
        lui     t1, 0x8000
        li      t2, 40
1:      lw      t3, 0(t0)
        sw      t3, 0x80(t1)
        addiu   t0, t0, 4
        addiu   t1, t1, 4
        addiu   t2, t2, -4
        bgtz    t2, 1b
        nop
        li      t0, 0x1000
        mtc0    t0, $10                 # EntryHi
        la      t1, program
        li      t2, 0x1ffff000
        and     t1, t1, t2
        ori     t1, t1, 0x700
        mtc0    t1, $2                  # EntryLo
        mtc0    zero, $0                # Index
        tlbwi
        la      k0, program
        andi    k0, k0, 0xfff
        ori     k0, k0, 0x1000
        li      t3, 2 << 2              # user mode before this one
        mtc0    t3, $12
        jr      k0
        rfe
handler: mfc0   k0, $14
        li      k1, 1000
1:      addiu   k1, k1, -1
        bgtz    k1, 1b
        nop
        jr      k0
        rfe
program: syscall
        nop
        nop
""")


def dial(path: Path) -> socket.socket:
    deadline = time.monotonic() + 20
    while True:
        stream = socket.socket(socket.AF_UNIX)
        stream.settimeout(20)
        try:
            stream.connect(os.fspath(path))
            return stream
        except OSError:
            stream.close()
            assert time.monotonic() < deadline
            time.sleep(0.001)


def read_all(stream: socket.socket) -> list[str]:
    found = b""
    while data := stream.recv(65536):
        found += data
    return found.decode().split("\r\n")


def test_a_metered_run_is_repeated(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Machine("cms", "primes 3000; halt", epoch=EPOCH) as machine:
        machine.record(log)
        meter = machine.serve_meter(tmp_path / "meter")
        with contextlib.closing(dial(tmp_path / "meter")) as stream:
            stream.sendall(b"INTERVAL 10000000\n")
            meter.start()
            machine.run()
            machine.close()
            lines = read_all(stream)
    assert len(lines) > 5
    replay = Replay(log)
    with replay.machine as again:
        again.run()
        assert again.cycles == machine.cycles
        assert replay.verifier.checked > 0


def test_a_snapshot_of_a_metered_machine(tmp_path: Path) -> None:
    with Machine("cms", epoch=EPOCH) as machine:
        heard: list[str] = []
        machine.board.meter.open(heard.append)
        machine.console.expect("cms> ")
        assert heard
        machine.save(tmp_path / "snapshot")
    with Machine.from_snapshot(tmp_path / "snapshot") as again:
        again.console.sendline("echo hello; halt")
        again.run(seconds=5)
        assert "hello" in again.console.output
        # The event of a client that has gone comes, and is the last.
        assert again.board.meter.save() == [1 << 32]


def test_exceptions_one_after_the_other_are_no_progress(tmp_path: Path) -> None:
    (tmp_path / "faulting").write_bytes(FAULTING)
    (tmp_path / "sys161.conf").write_text(CONFIGURATION)
    result = kseg("sys161", "-X", "-Z2", "faulting", cwd=tmp_path)
    assert result.returncode == 1
    assert "No progress in 4 seconds" in result.stderr


@pytest.mark.parametrize("command", [["sys161", "-X"], ["run", "--meter", ".sockets/meter"]])
def test_as_a_process(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "sys161.conf").write_text(CONFIGURATION)
    (tmp_path / "cms").write_bytes(find_guest("cms").path.read_bytes())
    with subprocess.Popen(
        [*COMMAND, *command, "./cms", "primes 300000; halt"], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=tmp_path, env=environment(),
    ) as process:  # fmt: skip
        with contextlib.closing(dial(tmp_path / ".sockets/meter")) as stream:
            stream.sendall(b"INTERVAL 100000000\r\n")
            lines = read_all(stream)
        process.communicate()
        assert process.returncode == 0
    assert lines[0] == "HELLO 2"
    reports = [list(map(int, line.split()[1:])) for line in lines if line.startswith("DATA")]
    assert len(reports) > 3
    for before, after in itertools.pairwise(reports):
        assert len(after) == 11
        assert all(old <= new for old, new in zip(before, after, strict=True))
    assert not (tmp_path / ".sockets/meter").exists()


def test_no_socket_and_still_a_run(tmp_path: Path) -> None:
    (tmp_path / "sys161.conf").write_text(CONFIGURATION)
    (tmp_path / "printing").write_bytes(kernels.printing("hello"))
    (tmp_path / ".sockets").write_text("")
    result = kseg("sys161", "-X", "printing", cwd=tmp_path)
    assert result.returncode == 0
    assert "sys161: meter socket .sockets/meter: " in result.stderr
    assert "; metering disabled" in result.stderr
    result = kseg("run", "--meter", ".sockets/meter", "printing", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith("kseg: meter socket .sockets/meter: ")


def test_stat161(tmp_path: Path) -> None:
    """The real one, where STAT161 names it or it is in PATH."""
    import pexpect

    command = os.environ.get("STAT161") or shutil.which("stat161")
    if command is None:
        pytest.skip("stat161 is not in PATH, and STAT161 does not name it")
    (tmp_path / "sys161.conf").write_text(CONFIGURATION)
    (tmp_path / "cms").write_bytes(find_guest("cms").path.read_bytes())
    with subprocess.Popen(
        [*COMMAND, "sys161", "-X", "./cms", "primes 30000; halt"], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env=environment(),
    ) as process:  # fmt: skip
        dial(tmp_path / ".sockets/meter").close()
        shown = pexpect.spawn(command, ["-i", "0.01"], cwd=str(tmp_path), encoding="ascii")
        shown.expect("Connected", timeout=20)
        shown.expect(r"nsec +kinsns +uinsns +udud +idle +irqs +exns +disk +con +emu +net")
        shown.expect(r"(\d+ +){11}")
        shown.expect("Disconnected", timeout=60)
        shown.close(force=True)
        process.communicate()
