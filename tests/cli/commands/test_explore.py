"""`kseg explore` as a process."""

import json
import os
import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.command import COMMAND, environment, kseg
from tests.cli.kernels import printing, spinning
from tests.exploration.racing import racing

GRACE = 30
"""Seconds."""
GOAL = ("--expect", "right", "--reject", "wrong")


@pytest.fixture
def guest(tmp_path: Path) -> Path:
    """A directory with a guest that has a race."""
    (tmp_path / "racing").write_bytes(racing(window=9))
    return tmp_path


def test_a_race_is_found_and_replayed(guest: Path) -> None:
    # Options come after the kernel, too.
    done = kseg("explore", "racing", "--seeds", "3..30", *GOAL, "--shrink", cwd=guest)
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("unperturbed: passes after 0.01")
    seeds = [line for line in lines if line.endswith(": rejected: sum wrong")]
    assert seeds
    (shrunk,) = (line for line in lines if ": the same with " in line)
    assert " of 10 preemptions: rejected: sum wrong" in shrunk
    assert any(line.startswith("  in cycle ") for line in lines)
    summary = next(index for index, line in enumerate(lines) if line.startswith("28 seeds (mix"))
    assert " failed; " in lines[summary]
    assert lines[summary + 1].startswith("covered: ")
    ends = [line.split()[1] for line in lines[summary + 1 :] if line.startswith("      ")]
    assert sorted(ends) == ["passed:", "rejected:"]
    assert lines[-1].startswith("  gdb-multiarch ")
    commands = [line for line in lines if line.startswith("  kseg replay kseg-explore")]
    assert commands
    for line in commands:
        replayed = kseg(*shlex.split(line)[1:], cwd=guest)
        assert (replayed.returncode, replayed.stdout) == (0, "sum wrong")


def test_without_an_expectation_a_guest_has_to_switch_off(tmp_path: Path) -> None:
    """A panic and a deadlock are failures; how they ended, and what to do next, is said."""
    for exercise, ending in ("race", ": panicked, exit code 1: race: "), ("deadlock", ": idle for"):
        done = kseg("explore", "racelab", exercise, "--seeds", "1..12", cwd=tmp_path)
        assert (done.returncode, done.stderr) == (1, "")
        lines = done.stdout.splitlines()
        assert any(line.startswith("seed ") and ending in line for line in lines)
        assert " places where threads touch what others touch, " in done.stdout
        assert "\n  kseg replay --gdb socket kseg-explore/racelab-" in done.stdout
        assert ("(deadlock of 2 threads, " in done.stdout) == (exercise == "deadlock")
    done = kseg("explore", "racelab", "race fixed", "--seeds", "1..12", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    done = kseg("explore", "racelab", "--seeds", "1", cwd=tmp_path)
    assert done.returncode == 1
    assert "say with --expect what it prints when all is well" in done.stderr


def test_nothing_found(guest: Path) -> None:
    done = kseg("explore", "--seeds", "5", "--expect", "sum", "racing", cwd=guest)
    assert (done.returncode, done.stderr) == (0, "")
    assert "5 seeds (mix, 10 preemptions), 0 failed; " in done.stdout
    assert not (guest / "kseg-explore").exists()


def test_json(guest: Path) -> None:
    options = ("--format", "json", "--strategy", "pct", "--seeds", "30", "--keep", "here")
    done = kseg("explore", *options, *GOAL, "racing", cwd=guest)
    data = json.loads(done.stdout)
    assert (data["strategy"], data["preemptions"]) == ("pct", 3)
    assert data["unperturbed"]["ending"] == "passed"
    assert [trial["seed"] for trial in data["trials"]] == list(range(1, 31))
    failed = [trial for trial in data["trials"] if trial["failed"]]
    assert done.returncode == (1 if failed else 0)
    assert {trial["outcome"]["ending"] for trial in failed} <= {"rejected"}
    for trial in data["trials"]:
        assert (trial["kept"] is not None) == trial["failed"]
        assert 1 <= len(trial["plan"]) <= 3


@pytest.mark.slow
def test_starting_points(guest: Path) -> None:
    kseg("run", "--save-at", "100000:there.kseg", "racing", cwd=guest)
    done = kseg("explore", "--from", "there.kseg", "--seeds", "3", "--expect", "sum", cwd=guest)
    assert done.returncode == 0, done.stderr
    (guest / "in").write_text("primes 20\n")
    for expect, code in (("17", 0), (r"1[79]\n", 2)):
        done = kseg(
            "explore", "cms", "--after", "cms> ", "--input", "in", "--expect", expect,
            *(["--regex"] if code else []), "--preemptions", "0", "--seeds", "2", cwd=guest,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    done = kseg("explore", "cms", "--after", "nothing", "--expect", "cms", cwd=guest)
    assert done.returncode == 1
    assert "did not print 'nothing'" in done.stderr


def test_what_cannot_be_kept(guest: Path) -> None:
    """The host refuses: what was found is shown, and one line says what is wrong."""
    done = kseg("explore", "racing", *GOAL, "--keep", "racing", cwd=guest)
    assert done.returncode == 2
    assert " fails (rejected), but: racing: " in done.stderr
    assert done.stderr.count("\n") == 1
    assert " seeds (mix, 10 preemptions), " in done.stdout


@pytest.mark.slow
def test_disks_stay_as_they_are(tmp_path: Path) -> None:
    kseg("disk", "create", "--format", "disk", "5M", cwd=tmp_path)
    before = (tmp_path / "disk").read_bytes()
    text = "echo hello > a:/f; cat a:/f; halt"
    goal = ("--expect", "hello", "--preemptions", "0", "--seeds", "4")
    done = kseg("explore", "--disk", "disk", *goal, "cms", text, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    kseg("run", "--disk", "disk", "--save-at", "1000:s", "--max-cycles", "1000", "cms", text,
         cwd=tmp_path)  # fmt: skip
    done = kseg("explore", "--from", "s", *goal, cwd=tmp_path)
    assert done.returncode == 2
    assert "give it again (--disk)" in done.stderr
    for given in (["--trust"], ["--disk", "disk"]):
        done = kseg("explore", "--from", "s", *given, *goal, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "disk").read_bytes() == before


def test_what_is_wrong_is_said_in_a_line(guest: Path) -> None:
    (guest / "printing").write_bytes(printing("hello"))
    for arguments, text in [
        (("--expect", "x"), "Missing argument 'KERNEL'"),
        (("racing", *GOAL, "--seeds", "no"), "give a number of seeds"),
        (("racing", *GOAL, "--seeds", "7..3"), "there is no seed in it"),
        (("racing", *GOAL, "--strategy", "best"), "there are mix, shared, random, pct, places"),
        (("racing", *GOAL, "--seconds", "0"), "--seconds 0"),
        (("racing", "--expect", "(", "--regex"), "not a regular expression"),
        (("racing", *GOAL, "--trust"), "--trust: only with --from"),
        (("racing", *GOAL, "--from", "x"), "--from: the snapshot says what KERNEL would"),
        (("--cpus", "2", *GOAL, "--from", "x"), "--from: the snapshot says what --cpus would"),
        ((*GOAL, "--from", "nowhere"), "snapshot nowhere: No such file"),
        (("printing", "--expect", "hello", "--seeds", "2"), "no preemption took effect"),
    ]:
        done = kseg("explore", *arguments, cwd=guest)
        assert done.returncode == 2, done.stderr
        assert text in done.stderr
        assert done.stderr.startswith("kseg: ")
        assert done.stderr.count("\n") == 1
    done = kseg("explore", "printing", "--expect", "bye", cwd=guest)
    assert done.returncode == 1
    assert done.stderr.startswith(
        "kseg: without preemptions too, the guest ends (power-off) before it prints 'bye' (0.0"
    )
    assert done.stderr.endswith(" virtual seconds; its last line: 'hello')\n")


def test_ctrl_c_ends_all_at_once(guest: Path) -> None:
    """What was found so far is shown; no process is left."""
    process = subprocess.Popen(
        [*COMMAND, "explore", "racing", "--seeds", "1000000", *GOAL],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=guest,
        env=environment(),
        text=True,
    )
    assert process.stdout is not None
    while "rejected" not in process.stdout.readline():
        pass
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert children
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == -signal.SIGINT
    assert err == ""
    assert " seeds (mix, 10 preemptions), " in out
    # A compiler finishes what it is doing, and a busy host takes its time for that.
    deadline = time.monotonic() + GRACE
    while any(is_there(int(child)) for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_interrupted_before_anything(guest: Path) -> None:
    (guest / "spinning").write_bytes(spinning())
    process = subprocess.Popen(
        [*COMMAND, "explore", "spinning", "--seconds", "100000", "--expect", "x"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=guest,
        env=environment(),
        text=True,
    )
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=20) == ("", "")
    assert process.returncode == -signal.SIGTERM


@pytest.mark.parametrize("option", ["--expect", "--reject", "--after"])
def test_a_text_that_is_none(option):
    result = kseg(
        "explore", "--expect", "x", option, b"\xff".decode("utf-8", "surrogateescape"), "cms"
    )
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "not a text in UTF-8" in result.stderr
