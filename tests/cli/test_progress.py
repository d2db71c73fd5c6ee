"""Progress on a terminal, and nothing of it anywhere else."""

import sys

import pexpect
import pytest

from kseg import progress
from kseg.cli import streams
from kseg.cli.progress import PAUSE, SILENCE, Line
from tests.cli.command import COMMAND, environment, kseg
from tests.cli.console.test_terminal import finish, spawn


@pytest.fixture
def drawn(monkeypatch):
    found = []
    monkeypatch.setattr(streams, "draw", found.append)
    return found


def test_short_work_is_not_worth_a_line(drawn, monkeypatch):
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    line = Line()
    line.show("a")
    assert drawn == []
    now += 0.5
    line.show("b")
    line.show("c")
    assert len(drawn) == 1
    assert "b" in drawn[0]
    now += PAUSE
    line.show("d")
    assert "d" in drawn[-1]
    now += SILENCE + 0.1
    line.show("other work")
    assert "d" in drawn[-1]
    line.show("long work", long=True)
    assert "long work" in drawn[-1]


def test_nobody_listens_unless_asked(monkeypatch):
    said = []
    progress.report("lost")
    monkeypatch.setattr(progress, "listener", lambda text, long: said.append((text, long)))
    progress.report("heard", long=True)
    assert said == [("heard", True)]
    assert progress.share(1, 3) == "33 %"
    assert progress.share(5, 0) == progress.share(9, 3) == "100 %"


@pytest.mark.slow
def test_the_first_start_says_what_takes_so_long(tmp_path):
    child = pexpect.spawn(
        COMMAND[0], [*COMMAND[1:], "run", "--engine", "interpreter", "cms", "halt"],
        encoding="utf-8", timeout=60,
        env=environment(KSEG_CACHE_DIR=str(tmp_path / "cache"), KSEG_READY_MADE="0"),
    )  # fmt: skip
    child.expect_exact("compiling the interpreter")
    child.expect_exact(streams.ERASE)
    child.expect("cms 1.0")
    assert finish(child) == 0


@pytest.mark.slow
def test_analyze_on_a_terminal_and_in_a_pipe():
    child = spawn("analyze", "--cpu", "lsi")
    child.expect(r"analysing lsi, CU0 clear: \d+ %")
    assert finish(child) == 0
    assert kseg("analyze", "--cpu", "lsi").stderr == ""


@pytest.mark.slow
def test_a_recorded_run_on_a_terminal_and_in_a_pipe(tmp_path):
    command = "primes 60000 > a:/x; halt"
    result = kseg(
        "run", "--engine", "interpreter", "--record", "long.log", "cms", command, cwd=tmp_path
    )
    assert result.returncode == 0
    for arguments in (("replay", "--engine", "reference", "--to", "3000000"), ("timeline",)):
        piped = kseg(*arguments, "long.log", cwd=tmp_path)
        assert "%" not in piped.stderr
    child = spawn("replay", "--engine", "reference", "--to", "3000000", "long.log", cwd=tmp_path)
    child.expect(r"replaying: \d+ %")
    assert finish(child) == 4


def test_the_line_goes_before_anything_is_written(capfd):
    streams.draw("text")
    streams.write_all(1, b"output")
    streams.erase()
    out, err = capfd.readouterr()
    assert (out, err) == ("output", "text" + streams.ERASE)
    assert sys.stderr is not None
