"""The report on a guest that has failed."""

import re
from pathlib import Path

import pytest

from tests.cli import kernels
from tests.cli.command import kseg


@pytest.mark.parametrize(
    ("name", "reason"),
    [("misusing", "fatal, after "), ("panicking", "power-off: the guest switched off after it had"),
     ("breaking", "fatal, after ")],
)  # fmt: skip
def test_a_guest_that_fails(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "k").write_bytes(getattr(kernels, name)())
    result = kseg("run", tmp_path / "k")
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert all(line.startswith("kseg: ") for line in lines)
    assert any(line.startswith(f"kseg: {reason}") for line in lines)
    assert any(line.startswith("kseg: CPU 0: ") for line in lines)
    assert re.search(r"^kseg: #0  0x[0-9a-f]{8} ", result.stderr, re.MULTILINE)
    quiet = kseg("run", "--no-report", tmp_path / "k")
    assert quiet.returncode == 1
    assert "CPU 0" not in quiet.stderr


def test_one_that_makes_no_progress(tmp_path: Path) -> None:
    (tmp_path / "k").write_bytes(kernels.spinning())
    result = kseg("run", "--progress", "1", tmp_path / "k")
    assert result.returncode == 1
    assert "kseg: #0  0x80001000 __start\n" in result.stderr


@pytest.mark.parametrize("arguments", [["cms", "halt"], ["--max-cycles", "1000", "cms"], ["cms"]])
def test_no_report_on_others(arguments: list[str]) -> None:
    result = kseg("run", *arguments)
    assert result.returncode in (0, 4, 5)
    assert "CPU 0:" not in result.stderr


def test_a_guest_that_waits_for_ever_says_for_what() -> None:
    result = kseg("run", "cms")
    assert result.returncode == 5
    assert 'kseg: thread "shell" of process 1: sleeping (CPU 0 idles), waits' in result.stderr
    assert "thread" not in kseg("run", "--no-report", "cms").stderr


def test_system161_reports_when_asked(tmp_path: Path) -> None:
    (tmp_path / "k").write_bytes(kernels.misusing())
    (tmp_path / "sys161.conf").write_text("0 serial\n31 mainboard ramsize=512K\n")
    plain = kseg("sys161", "-X", "k", cwd=tmp_path)
    asked = kseg("sys161", "-X", "--report", "k", cwd=tmp_path)
    assert plain.returncode == asked.returncode == 1
    assert "CPU 0:" not in plain.stderr
    assert asked.stderr.startswith(plain.stderr)
    assert "sys161: CPU 0: " in asked.stderr
