"""Processes beside this one: none is left, and it is known how they ended."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kseg.platform import pipes, processes

ECHO = [sys.executable, "-c", "import sys; sys.stdout.write(sys.stdin.read())"]


def test_this_very_kseg_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kseg.py").write_text("raise SystemExit('the wrong one')")
    process = processes.start(processes.command("kseg.exploration.worker"), piped=True)
    assert process is not None
    sender, receiver = pipes.sender(process.stdin), pipes.receiver(process.stdout)
    sender.close()
    with pytest.raises(EOFError):
        receiver.recv_bytes()
    receiver.close()
    assert processes.end(process, 30) == "exit code 0"


def test_one_that_cannot_be_started_is_none() -> None:
    assert processes.start(["/nowhere/program"], piped=False) is None


def test_pipes_that_never_wait() -> None:
    process = processes.start(ECHO, piped=True)
    assert process is not None
    assert process.stdout is not None
    processes.never_wait(process)
    with pytest.raises(BlockingIOError):
        os.read(process.stdout.fileno(), 1)
    processes.leave(process)
    assert processes.end(process, 30) == "exit code 0"


def test_one_that_goes_on_is_killed() -> None:
    process = processes.start(["sleep", "60"], piped=False)
    assert process is not None
    assert processes.end(process, 0.01) == "killed by signal 9"


def test_programs() -> None:
    done = processes.run(["sh", "-c", "echo out; echo err >&2; exit 3"], 30)
    assert done == (3, b"out\n", b"err\n")
    with pytest.raises(processes.TookTooLong):
        processes.run(["sleep", "60"], 0.01)
    with pytest.raises(OSError):
        processes.run(["/nowhere/program"], 1)


def test_messages_through_pipes() -> None:
    reading, writing = os.pipe()
    receiver, sender = pipes.receiver(reading), pipes.sender(writing)
    os.close(reading)
    os.close(writing)
    for message in (b"", b"a", bytes(70_000)):
        sender.send_bytes(message[:60_000])
        assert pipes.ready([receiver]) == [receiver]
        assert receiver.recv_bytes() == message[:60_000]
    sender.close()
    assert pipes.ready([receiver]) == [receiver]
    with pytest.raises(EOFError):
        receiver.recv_bytes()
    receiver.close()


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux lets orphans be adopted"
)
def test_what_is_left_behind_counts_too(tmp_path: Path) -> None:
    """It is waited for, and its time is known."""
    program = (
        "import os, sys, time\n"
        "from kseg.platform import processes\n"
        "processes.adopt_orphans()\n"
        "left = 'while [ ! -e go ]; do sleep 0.01; done; touch done'\n"
        "words = ['sh', '-c', f'({left}) & :']\n"
        "process = processes.start_group(words, 2)\n"
        "time.sleep(0.1)\n"
        "open('go', 'w').close()\n"
        "assert processes.processor_time(process) > 0\n"
        "sys.exit(not os.path.exists('done'))\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, timeout=30)
