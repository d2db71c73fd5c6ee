"""racelab: each exercise passes by itself, fails at some other moment of an interrupt, and does not
when its mistake is mended."""

from pathlib import Path

import pytest

from kseg import Machine
from kseg.engine import ENGINES
from kseg.monitor.stop import StopReason

ENDS = {
    "race": "race: 2000 of 2000 increments: SUCCESS",
    "deadlock": "deadlock: 200 of 200 transfers: SUCCESS",
    "wakeup": "wakeup: 200 of 200 messages: SUCCESS",
    "overflow": "overflow: 100 of 100 walks: SUCCESS",
    "free": "free: 200 of 200 messages: SUCCESS",
}
EXERCISES = Path(__file__).resolve().parents[2] / "guests" / "racelab" / "exercises"


@pytest.mark.parametrize("mended", ["", " fixed"])
@pytest.mark.parametrize("exercise", ENDS)
def test_an_exercise_passes_by_itself(exercise: str, mended: str) -> None:
    with Machine("racelab", exercise + mended, epoch=0) as machine:
        stop = machine.run(seconds=2)
        assert machine.console.output == f"racelab 1.0\n{ENDS[exercise]}\n"
        assert (stop.reason, stop.exit_code) == (StopReason.POWER_OFF, 0)


@pytest.mark.parametrize(
    "engine",
    [pytest.param(name, marks=[pytest.mark.slow] * (name == "reference")) for name in ENGINES],
)
def test_all_of_them_in_one_run_on_every_engine(engine: str) -> None:
    with Machine("racelab", "; ".join(ENDS), epoch=0, engine=engine) as machine:
        stop = machine.run(seconds=2)
        assert machine.console.output.splitlines()[1:] == list(ENDS.values())
        assert stop.exit_code == 0


def test_the_menu() -> None:
    with Machine("racelab", epoch=0) as machine:
        told = machine.console.expect("racelab> ").before
        assert all(f"  {exercise} " in told for exercise in ENDS)
        machine.console.sendline("races")
        assert "races: no such exercise; help lists them" in machine.console.expect("> ").before
        machine.console.sendline(" race fixed ;halt")
        assert machine.run(seconds=2).reason is StopReason.POWER_OFF
        assert machine.console.output.endswith(f"{ENDS['race']}\n")


def test_what_is_no_exercise_is_an_error() -> None:
    with Machine("racelab", "nonsense", epoch=0) as machine:
        assert machine.run(seconds=2).exit_code == 1


def test_source_lines_of_a_clone() -> None:
    with Machine("racelab", epoch=0) as machine:
        (address,) = machine.symbols.addresses("count")
        location = machine.symbols.location(address)
        assert location is not None
        assert location.line is not None
        assert location.line.file == "guests/racelab/exercises/race.c"
        text = (EXERCISES / "race.c").read_text().splitlines()
        assert text[location.line.number - 1].strip() in ("{", "static void count(void *argument)")
