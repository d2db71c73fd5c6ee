from pathlib import Path

import pytest

from kseg import Machine
from kseg.exploration.trial import Goal, Trials, digest, last_line
from kseg.machine.preemption import Preemption
from tests.cli.kernels import misusing, panicking, printing, spinning, ticking
from tests.exploration.racing import boot, racing
from tests.kernels.small_os161 import SmallOS161


@pytest.mark.parametrize(
    ("kernel", "expect", "reject", "ending", "exit_code"),
    [
        (printing("one two"), "two", None, "passed", None),
        (printing("one two"), "two", "one", "rejected", None),
        (printing("one two"), "three", None, "power-off", 0),
        (printing("one two"), "two", "three", "passed", None),
        (panicking(), "never", None, "panicked", 1),
        (misusing(), "never", None, "fatal", 1),
        (spinning(), "never", None, "runs on", None),
        (ticking(), "never", None, "hangs", None),
    ],
)
def test_endings(
    tmp_path: Path, kernel: bytes, expect: str, reject: str | None, ending: str, exit_code: int
) -> None:
    with boot(tmp_path, kernel) as machine:
        outcome = Trials(machine, Goal(expect, reject, seconds=0.5)).run([])
        assert (outcome.ending, outcome.exit_code) == (ending, exit_code)
        assert outcome.passed == (ending == "passed")
        assert machine.cycles == 0
        assert 0 <= outcome.seconds <= 0.51


def test_deadlock_and_input() -> None:
    with Machine("cms") as machine:
        assert Trials(machine, Goal("hello")).run([]).ending == "idle forever"
        machine.console.expect("cms> ")
        machine.console.send("echo hel''lo\r")
        outcome = Trials(machine, Goal("hel''lo\n")).run([])
        assert (outcome.ending, outcome.last_line) == ("passed", "echo hel''lo")


def test_what_is_wrong_with_the_threads(tmp_path: Path) -> None:
    kernel = SmallOS161(tmp_path)
    with kernel.machine as machine:
        menu, thread = kernel.thread("menu"), kernel.thread("thread")
        kernel.run(menu)
        goal = Goal("never", seconds=0.01)
        assert Trials(machine, goal).run([]).finding == ""
        lock = kernel.object("lock", "mine", lk_owner=thread)
        kernel.sleep(thread, "lock_acquire", lock, "lock")
        outcome = Trials(machine, goal).run([])
        assert outcome.ending == "runs on"
        assert outcome.finding.startswith('deadlock: thread "thread" waits for lock "mine"')


def test_what_was_printed_before_does_not_count() -> None:
    with Machine("cms", "echo one; echo two; halt") as machine:
        machine.console.expect("one\n")
        assert Trials(machine, Goal("one")).run([]).ending == "power-off"
        outcome = Trials(machine, Goal(r"t.o", "X", regular=True)).run([])
        assert (outcome.ending, outcome.last_line) == ("passed", "two")


def test_preemptions_that_took_effect_are_told(tmp_path: Path) -> None:
    with boot(tmp_path, racing()) as machine:
        trials = Trials(machine, Goal("sum"))
        one, other = trials.run([Preemption(9000), Preemption(90_000)]), trials.run([])
        assert [struck.cycle for struck in one.struck] == [9000, 90_000]
        assert other.struck == []
        assert one.kind == other.kind
        assert one.busy_cycles > 300_000


def test_numbers_do_not_make_outputs_differ() -> None:
    assert digest("took 1.25 s at 0x8000F") == digest("took 17 s at 0x9")
    assert digest("took 1.25 s") != digest("takes 1.25 s")
    assert last_line("a\n b \r\n\n") == "b"
    assert last_line("") == ""
    assert len(last_line("x" * 1000)) == 160
