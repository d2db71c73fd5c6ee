"""`kseg run --record` and `kseg replay`."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pexpect
import pytest

from kseg.history.log_reader import read_log
from tests.cli.command import COMMAND, environment, kseg
from tests.cli.kernels import misusing
from tests.history.logs import frames, together

RUN = ("run", "--seed", "3", "--epoch", "1000000")
SAME = "of the state, all the same\n"


def test_a_run_is_repeated(tmp_path: Path) -> None:
    run = kseg(*RUN, "--record", "log", "cms", "primes 20; echo done; halt", cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    for options in ([], ["--engine", "interpreter"], ["--monitor", "hybrid"]):
        again = kseg("replay", *options, "log", cwd=tmp_path)
        assert (again.returncode, again.stdout) == (0, run.stdout)
        assert again.stderr.startswith("kseg: replayed to cycle ")
        assert again.stderr.endswith(SAME)
        assert again.stderr.count("\n") == 1


def test_input_from_a_pipe(tmp_path: Path) -> None:
    script = "echo from a pipe\nprimes 10\nsleep 1\nhalt\n"
    run = kseg("run", "--record", "log", "cms", input=script, cwd=tmp_path)
    again = kseg("replay", "log", cwd=tmp_path)
    assert "from a pipe" in run.stdout
    assert (again.returncode, again.stdout) == (0, run.stdout)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--max-cycles", "300000", "cms", "primes 9999"], 4),
        (["--idle-limit", "1", "cms", "echo x"], 5),
        (["kernel"], 1),
    ],
)
def test_exit_codes(tmp_path: Path, arguments: list[str], code: int) -> None:
    (tmp_path / "kernel").write_bytes(misusing())
    run = kseg("run", "--record", "log", *arguments, cwd=tmp_path)
    again = kseg("replay", "log", cwd=tmp_path)
    assert (run.returncode, again.returncode) == (code, code)
    assert again.stdout == run.stdout
    assert SAME in again.stderr


def test_a_part_of_it(tmp_path: Path) -> None:
    kseg(*RUN, "--record", "log", "cms", "primes 20; halt", cwd=tmp_path)
    result = kseg("replay", "--to", "200000", "--stats", "-", "log", cwd=tmp_path)
    assert result.returncode == 4
    assert "stopped after 200000 cycles (--to)" in result.stderr
    assert '"engine"' in result.stdout


def test_a_report_of_any_moment(tmp_path: Path) -> None:
    kseg(*RUN, "--record", "log", "cms", "dhrystone 30000; halt", cwd=tmp_path)
    result = kseg("replay", "--to", "3000000", "--report", "log", cwd=tmp_path)
    assert result.returncode == 4
    assert "\nkseg: CPU 0: running, user mode, pc 0x00" in result.stderr
    assert 'kseg: thread "dhrystone" of process 2: running on CPU 0' in result.stderr
    assert "CPU 0:" not in kseg("replay", "--to", "3000000", "log", cwd=tmp_path).stderr


def test_a_machine_from_a_snapshot(tmp_path: Path) -> None:
    kseg(*RUN, "--save-at", "240000:a", "cms", "primes 20; halt", cwd=tmp_path)
    run = kseg("run", "--from", "a", "--record", "log", "--save-at", "250000:b", cwd=tmp_path)
    again = kseg("replay", "log", cwd=tmp_path)
    assert run.stdout
    assert (again.returncode, again.stdout) == (0, run.stdout)
    assert [(m.cycle, m.text) for m in read_log(tmp_path / "log").markers] == [
        (250_000, "snapshot b")
    ]


def test_a_user_who_leaves(tmp_path: Path) -> None:
    """Also marks a snapshot that was taken with a key."""
    child = pexpect.spawn(
        COMMAND[0], [*COMMAND[1:], "run", "--record", "log", "cms"], cwd=tmp_path,
        env=environment(), timeout=30,
    )  # fmt: skip
    child.expect("cms> ")
    child.send("echo hi\r")
    child.expect("hi\r\ncms> ")
    child.send("\x01s")
    child.expect("saved at cycle")
    child.send("\x01x")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    again = kseg("replay", "log", cwd=tmp_path)
    assert again.returncode == 0
    assert again.stdout.startswith("cms 1.0")
    assert SAME in again.stderr
    (mark,) = read_log(tmp_path / "log").markers
    assert mark.text.startswith("snapshot cms-")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal(tmp_path: Path, number: int) -> None:
    child = subprocess.Popen(
        [*COMMAND, "run", "--record", "log", "cms"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path, env=environment(),
    )  # fmt: skip
    assert child.stdout is not None
    seen = b""
    while b"cms> " not in seen:
        seen += os.read(child.stdout.fileno(), 4096)
    child.send_signal(number)
    child.communicate()
    again = kseg("replay", "log", cwd=tmp_path)
    assert again.returncode == (143 if number == signal.SIGTERM else 0)
    assert seen.decode().startswith(again.stdout)
    cut = "kseg: log log: the recording was cut short\n"
    assert (cut in again.stderr) == (number == signal.SIGKILL)


def test_casts(tmp_path: Path) -> None:
    kseg(*RUN, "--record", "log", "--save-at", "250000:a", "cms",
         input="echo typed\nhalt\n", cwd=tmp_path)  # fmt: skip
    for version in ("2", "3"):
        result = kseg("replay", "--cast", "x", "--cast-version", version, "log", cwd=tmp_path)
        assert result.returncode == 0
        header, *events = map(json.loads, (tmp_path / "x").read_text().splitlines())
        assert (header["version"], header["title"]) == (int(version), "cms")
        text = {kind: "".join(e[2] for e in events if e[1] == kind) for kind in "oimx"}
        assert text["o"].replace("\r\n", "\n") == result.stdout
        assert text["i"] == "echo typed\rhalt\r"
        assert text["m"] == "snapshot a"
        assert text["x"] == ("0" if version == "3" else "")


def test_a_replay_that_differs(tmp_path: Path) -> None:
    kseg(*RUN, "--record", "log", "cms", "primes 20; halt", cwd=tmp_path)
    found = frames(tmp_path / "log")
    entries = [entry for kind, body in found if kind == b"I" for entry in body]
    digests = [entry for entry in entries if entry["type"] == "digest"]
    digests[1]["processors"] = bytes(8)
    (tmp_path / "log").write_bytes(together(found))
    result = kseg("replay", "--cast", "x", "log", cwd=tmp_path)
    assert result.returncode == 6
    lines = result.stderr.splitlines()
    assert lines[0].startswith("kseg: log log: the replay differs: processors or time are not")
    assert lines[1] == "kseg: looking for the first cycle that differs"
    assert "do the same as each other, and not what the log says" in lines[2]
    assert lines[3].startswith("kseg: the log was altered")
    assert (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["replay", "missing"], "kseg: log missing: No such file or directory\n"),
        (["replay", "."], "kseg: log .: not a regular file\n"),
        (["replay", "text"], "kseg: log text: not a log of kseg\n"),
        (["replay", "--cast", "/x/y", "log"], "kseg: --cast /x/y: No such file or directory; give"),
        (["replay", "--engine", "x", "log"], "kseg: engine 'x': no such engine"),
        (["run", "--record", "log", "cms"], "kseg: log log: exists; give another name, or remove"),
        (["run", "--record", "/x/y", "cms"], "kseg: log /x/y: No such file or directory"),
        (["run", "--cpus", "2", "--quantum", "9", "--record", "y", "cms"], "leave out --quantum"),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: list[str], text: str) -> None:
    (tmp_path / "text").write_text("text")
    kseg(*RUN, "--record", "log", "cms", "halt", cwd=tmp_path)
    result = kseg(*arguments, cwd=tmp_path)
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert text in result.stderr


def test_a_snapshot_of_any_cycle_goes_on_by_itself(tmp_path: Path) -> None:
    log, there = tmp_path / "log", tmp_path / "there.kseg"
    recorded = kseg("run", "--record", log, "cms", "primes 20; echo end; halt")
    saved = kseg("replay", "--save-at", f"1000000:{there}", log)
    assert (saved.returncode, saved.stdout) == (0, recorded.stdout)
    goes_on = kseg("run", "--from", there)
    assert goes_on.returncode == 0
    assert goes_on.stdout
    assert recorded.stdout.endswith(goes_on.stdout)


def test_what_is_known_of_a_disk_is_too_little_for_a_snapshot(tmp_path: Path) -> None:
    disk, log, there = tmp_path / "disk", tmp_path / "log", tmp_path / "there.kseg"
    assert kseg("disk", "create", "--format", disk, "5M").returncode == 0
    assert kseg("run", "--record", log, "--disk", disk, "cms", "ls; halt").returncode == 0
    saved = kseg("replay", "--save-at", f"1000000:{there}", log)
    assert saved.returncode == 2
    assert "the disk in slot 2 is known as far as the recorded run has read it" in saved.stderr
    assert not there.exists()
