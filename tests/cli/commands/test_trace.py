"""`kseg trace`: as its users run it."""

import json
import subprocess

import pytest

from kseg.platform import host
from tests.cli.command import COMMAND, environment, kseg


def test_text_on_stderr_and_the_console_on_stdout():
    result = kseg("trace", "cms", "echo hello; halt")
    assert (result.returncode, result.stdout.splitlines()[-1]) == (0, "hello")
    lines = result.stderr.splitlines()
    assert len(lines) > 5
    assert all("exception" in line or "interrupt" in line for line in lines)
    assert "system call" in lines[-1]


def test_json_in_a_file(tmp_path):
    result = kseg(
        "trace", "-e", "instruction,jump", "--mode", "user", "--most", "20", "--format", "json",
        "-o", "trace", "cms", "halt", cwd=tmp_path,
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
    found = [json.loads(line) for line in (tmp_path / "trace").read_text().splitlines()]
    assert len(found) == 20
    assert {each["mode"] for each in found} == {"user"}
    assert {each["kind"] for each in found} == {"instruction", "jump"}


def test_the_last_events_on_stdout():
    result = kseg("trace", "-e", "all", "--last", "3", "-o", "-", "cms", "halt")
    assert result.returncode == 0
    *_, first, second, third = result.stdout.splitlines()
    assert " to 8" in first
    assert second.endswith("/ nop")
    assert third.endswith("slot 31: interrupt request on")


def test_filters():
    result = kseg(
        "trace", "-e", "instruction", "--pc", "0x80000080-0x80000084", "--cpu", "0",
        "--from-cycle", "50000", "--to-cycle", "60000", "cms", "echo; halt",
    )  # fmt: skip
    places = {line.split()[4] for line in result.stderr.splitlines()}
    assert places == {"80000080", "80000084"}
    assert all("/ " in line for line in result.stderr.splitlines() if " 80000084 " in line)


def test_where_by_name():
    result = kseg(
        "trace", "-e", "instruction", "--pc", "kernel_main", "--pc", "kernel_main+4-kernel_main+8",
        "--most", "2", "cms", "halt",
    )  # fmt: skip
    first, second = result.stderr.splitlines()
    assert first.split()[5:6] == ["<kernel_main>"]
    assert second.split()[5:6] == ["<kernel_main+0x4>"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["-e", "nonsense", "cms"], "no nonsense; there are: instruction, jump"),
        (["--pc", "5-4", "cms"], "give addresses such as"),
        (["--pc", "0-0x100000000", "cms"], "give addresses such as"),
        (["--pc", "x", "cms"], "give addresses such as"),
        ([*["--pc", "0"] * 9, "cms"], "at most 8 ranges"),
        (["--asid", "64", "cms"], "64 is not in the range"),
        (["--cpu", "32", "cms"], "32 is not in the range"),
        (["--most", "0", "cms"], "0 is not in the range"),
        (["--most", "9" * 30, "cms"], "is not in the range"),
        (["--to-cycle", "9" * 30, "cms"], "is not in the range"),
        (["--most", "1", "--last", "1", "cms"], "give one of them"),
        ([], "Missing argument 'KERNEL'"),
        (["--from", "x", "cms"], "the snapshot says what KERNEL would"),
        (["--from", "x", "--ram", "1M"], "the snapshot says what --ram would"),
        (["--trust", "cms"], "--trust: only with --from"),
        (["-o", "/nonsense/file", "cms"], "cannot write the trace to /nonsense/file: No such file"),
        (["-o", "/", "cms"], "cannot write the trace to /: Is a directory"),
    ],
)
def test_bad_usage_is_one_line(arguments, text):
    result = kseg("trace", *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert text in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.skipif(host.SYSTEM != "linux", reason="only Linux has /dev/full")
@pytest.mark.parametrize("events", ["exception", "instruction"])
def test_a_full_disk_is_one_line(events):
    result = kseg("trace", "-e", events, "-o", "/dev/full", "cms", "halt")
    assert result.returncode == 2
    assert result.stderr == "kseg: cannot write the trace to /dev/full: No space left on device\n"


def test_a_reader_that_has_gone():
    process = subprocess.Popen(
        [*COMMAND, "trace", "-e", "instruction", "-o", "-", "cms", "primes 300; halt"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(100)
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait(60) == 141


def test_under_a_monitor_it_is_the_same():
    traces = [
        kseg("trace", "-e", "exception,tlb", "-o", "-", *monitor, "cms", "primes 3; halt").stdout
        for monitor in ((), ("--monitor", "hybrid"))
    ]
    assert traces[0] == traces[1]
    assert "exception" in traces[0]
