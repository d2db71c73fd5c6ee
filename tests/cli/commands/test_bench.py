"""`kseg bench` as a process, as little of it as shows that it works."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from kseg.bench.programs import image
from kseg.engine import ENGINES
from tests.cli.command import COMMAND, environment, kseg

SMALL = ("bench", "--quick", "--rounds", "1", "--engines", ENGINES[0], "--peers", "none")


@pytest.mark.slow
def test_a_small_run(tmp_path: Path) -> None:
    done = kseg(
        *SMALL, "--workloads", "cpu,day", "--programs", "sieve", "--json", "r", "--svg", "c",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "steady state: median of 1 round" in done.stdout
    assert "a day's runs, the third time" in done.stdout
    assert "not measured" in done.stdout
    results = json.loads((tmp_path / "r").read_text())
    name = f"kseg {ENGINES[0]}"
    assert list(results["workloads"][2]["samples"][name]) == ["sieve"]
    assert (tmp_path / "c").read_text().startswith("<svg ")


@pytest.mark.slow
def test_cms_works_and_short_runs(tmp_path: Path) -> None:
    done = kseg(
        *SMALL, "--workloads", "os,short", "--programs", "matmul", "--json", "-", cwd=tmp_path,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    results = {each["key"]: each for each in json.loads(done.stdout)["workloads"]}
    name = f"kseg {ENGINES[0]}"
    things = {"syscalls", "faults", "misses", "spawn", "switches"}
    assert results["os"]["samples"][name].keys() == things
    assert results["os"]["instructions"].keys() == things
    assert results["short 10 M"]["samples"][name].keys() == {"matmul"}


@pytest.mark.slow
def test_a_kernel_of_the_users_runs_in_copies_of_its_directory(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    # Any kernel does; this one computes for a hundred million instructions and switches off.
    (home / "kernel").write_bytes(image("system161", "crc32"))
    (home / "sys161.conf").write_text("0 serial\n31 mainboard ramsize=1M cpus=1\n")
    done = kseg(
        *SMALL, "--workloads", "day", "--os161", "home/kernel", "--os161-run", "tt1;q",
        "--json", "-", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    results = {each["key"]: each for each in json.loads(done.stdout)["workloads"]}
    assert results["os161"]["instructions"]["tt1;q"] == pytest.approx(1e8, rel=0.05)
    assert len(results["os161"]["samples"][f"kseg {ENGINES[0]}"]["tt1;q"]) == 1
    assert sorted(path.name for path in home.iterdir()) == ["kernel", "sys161.conf"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--engines", "steam"], f"'--engines': no steam; there are: {', '.join(ENGINES)}"),
        (["--programs", "sieve,quake"], "'--programs': no quake; there are: sieve, crc32"),
        (["--peers", "bochs"], "'--peers': no bochs; there are: system161, gxemul, qemu-user"),
        (["--workloads", ","], "'--workloads': nothing chosen; there are: day, cpu, short, os"),
        (["--quick", "--full"], "--quick and --full: choose one"),
        (["--rounds", "0"], "--rounds"),
        (["--json", "no/such/file"], "--json no/such/file: No such file or directory"),
        (["--svg", "."], "--svg .: Is a directory"),
        (["--os161-run", "q"], "--os161-run needs --os161"),
        (["--os161", "kernel"], "there is no file"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_measured(
    tmp_path: Path, arguments: list[str], complaint: str
) -> None:
    done = kseg("bench", *arguments, cwd=tmp_path, timeout=20)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_peer_that_is_missing_is_left_out_with_a_message(tmp_path: Path) -> None:
    arguments = ("--workloads", "day", "--peers", "system161")
    done = subprocess.run(
        [*COMMAND, *SMALL[:-2], *arguments],
        env=environment(SYS161="/no/such/sys161"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert "system161: left out: no /no/such/sys161 in PATH; SYS161 names another" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_and_removes_what_was_made(
    tmp_path: Path, number: signal.Signals
) -> None:
    process = subprocess.Popen(
        [*COMMAND, *SMALL, "--workloads", "short", "--rounds", "1000"],
        env=environment(TMPDIR=str(tmp_path)),
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert "looking" in process.stderr.readline()
    time.sleep(0.5)
    os.kill(process.pid, number)
    assert process.wait(20) == 128 + number
    process.stderr.close()
    assert list(tmp_path.iterdir()) == []
