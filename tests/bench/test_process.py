"""Running a command: output, costs, and that nothing is left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kseg.bench.process import MOST_OUTPUT, MeasureError, TimeOut, run

STARTS_A_CHILD = "sleep 60 & echo $! > child; wait"


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2]
    except OSError:
        return False
    return state[0] != "Z"


def child(directory: Path) -> int:
    """The number that a script has written to the file `child`, once it has."""
    path = directory / "child"
    for _ in range(200):
        if path.exists() and path.read_text().strip():
            return int(path.read_text())
        time.sleep(0.05)
    raise AssertionError("no child was started")


def gone(pid: int) -> bool:
    for _ in range(100):
        if not is_alive(pid):
            return True
        time.sleep(0.05)
    return False


def test_output_and_costs() -> None:
    done = run(["sh", "-c", "echo one; echo two >&2"])
    assert done.output == "one\ntwo\n"
    assert done.processor_time > 0
    assert done.wall_time > 0


def test_at_a_terminal() -> None:
    assert run(["sh", "-c", "tty -s && echo yes"], terminal=True).output == "yes\n"


def test_directory_and_environment(tmp_path: Path) -> None:
    done = run(["sh", "-c", 'echo "$(pwd) $COLOUR"'], tmp_path, environment={"COLOUR": "blue"})
    assert done.output == f"{tmp_path} blue\n"


def test_failure_is_reported_with_its_output() -> None:
    with pytest.raises(MeasureError, match="ended with 3:\nwhy"):
        run(["sh", "-c", "echo why; exit 3"])
    assert run(["sh", "-c", "exit 3"], accepted=frozenset({3})).output == ""


def test_what_cannot_be_started_is_reported(tmp_path: Path) -> None:
    with pytest.raises(MeasureError, match="No such file"):
        run([tmp_path / "nothing"])


def test_a_flood_of_output_is_cut() -> None:
    done = run(["sh", "-c", f"head -c {MOST_OUTPUT + 100000} /dev/zero"])
    assert len(done.output) == MOST_OUTPUT


@pytest.mark.parametrize("terminal", [False, True])
def test_a_command_that_hangs_is_killed_with_its_children(tmp_path: Path, terminal: bool) -> None:
    with pytest.raises(TimeOut, match="did not end within 1 s"):
        run(["sh", "-c", STARTS_A_CHILD], tmp_path, limit=1, terminal=terminal)
    assert gone(child(tmp_path))


def test_an_interrupt_leaves_no_children(tmp_path: Path) -> None:
    script = f"from kseg.bench.process import run\nrun(['sh', '-c', {STARTS_A_CHILD!r}])"
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=tmp_path, stderr=subprocess.DEVNULL
    )
    pid = child(tmp_path)
    os.kill(process.pid, signal.SIGINT)
    process.wait(20)
    assert gone(pid)
