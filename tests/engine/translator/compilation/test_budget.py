"""What the compiler may cost."""

import os
import subprocess
import sys
import time

import pytest

from kseg.engine.translator.compilation import budget
from kseg.engine.translator.compilation.budget import (
    BEGINNING,
    FEWEST,
    FIRST,
    INSTRUCTION,
    START,
    Budget,
    Spending,
)
from kseg.platform import processes

MOST = 400


class Compilers:
    """What all of them have used."""

    seconds = 0.0


@pytest.fixture
def compilers(monkeypatch: pytest.MonkeyPatch) -> Compilers:
    made = Compilers()
    monkeypatch.setattr(budget, "compilers", made)
    return made


def after(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let this process have used so much processor time."""
    monkeypatch.setattr(budget.time, "process_time", lambda: seconds)


def test_who_is_soon_over_starts_no_compiler(
    monkeypatch: pytest.MonkeyPatch,
    compilers: Compilers,  # noqa: ARG001
) -> None:
    after(monkeypatch, FIRST / 0.1 - 0.01)
    assert Budget(0.1).instructions([]) == 0
    after(monkeypatch, FIRST / 0.1 + 0.01)
    assert Budget(0.1).instructions([]) >= FEWEST
    after(monkeypatch, 1e6)
    assert Budget(0).instructions([]) == 0


def test_the_beginning_is_small(monkeypatch: pytest.MonkeyPatch, compilers: Compilers) -> None:
    after(monkeypatch, FIRST / 0.1 + 0.01)
    first = Budget(0.1).instructions([])
    assert START + INSTRUCTION * first < BEGINNING
    assert Budget(0.1).instructions([first]) == 0
    compilers.seconds = BEGINNING
    assert Budget(0.1).instructions([]) == 0


@pytest.mark.parametrize("share", [0.05, 0.1, 1.0])
def test_later_it_is_a_share_of_what_the_guest_takes(
    monkeypatch: pytest.MonkeyPatch, compilers: Compilers, share: float
) -> None:
    compilers.seconds = 3.0
    after(monkeypatch, 2.9 / share)
    assert Budget(share).instructions([]) == 0
    after(monkeypatch, 4.0 / share)
    found = Budget(share).instructions([])
    assert found > MOST
    assert Budget(share).instructions([MOST]) < found - MOST


def test_a_process_is_counted_while_it_runs_and_afterwards() -> None:
    spin = "import time\nwhile time.process_time() < 0.1: pass\nprint('done')\ninput()"
    process = processes.start([sys.executable, "-c", spin], piped=True)
    assert process is not None
    assert process.stdout is not None
    spending = Spending()
    spending.add(process)
    assert process.stdout.readline() == b"done\n"
    seen = spending.seconds
    if sys.platform == "linux":
        assert 0.1 <= seen < 10
    processes.leave(process)
    process.wait()
    assert spending.seconds == seen
    assert not spending._running


def test_a_copy_of_the_process_has_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    spending = Spending()
    spending.add(process)
    time.sleep(0.01)
    monkeypatch.setattr(os, "getpid", lambda: 1)
    assert spending.seconds == 0
    assert not spending._running
    process.communicate()
