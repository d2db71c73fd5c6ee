"""Options about machines mean the same in every command."""

from pathlib import Path

import pytest

from kseg import Machine
from tests.cli.command import kseg
from tests.cli.kernels import panicking


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("machine") / "log"
    with Machine("cms", input="primes 30; halt\r", epoch=0) as machine:
        machine.record(path)
        machine.run()
    return path


def test_a_recorded_run_is_traced(log: Path) -> None:
    repeated = kseg("trace", "-e", "exception", "-o", "-", "--replay", log)
    with (
        Machine("cms", input="primes 30; halt\r", epoch=0) as machine,
        machine.trace("exception") as trace,
    ):
        machine.run()
        count = len(trace.take())
    assert repeated.returncode == 0
    lines = [line for line in repeated.stdout.splitlines() if " exception " in line]
    assert len(lines) == count
    named = kseg("trace", "-e", "jump", "--most", "9", "-o", "-", "--replay", log)
    assert "<kernel_main" in named.stdout


def test_a_recorded_run_is_profiled(log: Path) -> None:
    done = kseg("profile", "--hz", "2000", "--replay", log)
    assert done.returncode == 0
    assert "self" in done.stdout


@pytest.mark.parametrize("command", ["trace", "profile"])
def test_what_a_log_knows(log: Path, command: str) -> None:
    for option, name in (
        (("cms",), "KERNEL"),
        (("--cpus", "2"), "--cpus"),
        (("--epoch", "0"), "--epoch"),
        (("--disk", "x"), "--disk"),
        (("--from", "x"), "--from"),
    ):
        done = kseg(command, "--replay", log, *option)
        assert done.returncode == 2
        assert f"--replay: the log says what {name} would; leave it out" in done.stderr
    assert kseg(command, "--replay", "nowhere").returncode == 2


def test_a_report_says_how_to_see_it_again(tmp_path: Path) -> None:
    (tmp_path / "guest").write_bytes(panicking())
    done = kseg("run", "--record", "a log", "guest", cwd=tmp_path)
    assert done.returncode == 1
    assert "kseg: to see it again: kseg replay 'a log'\n" in done.stderr
    again = kseg("replay", "a log", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (1, done.stdout)
