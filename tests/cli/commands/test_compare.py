"""`kseg compare` as a process."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner

from kseg.cli.tree import kseg as commands
from kseg.compare import comparison
from tests.cli.command import kseg

SMALL = ("compare", "--rounds", "1", "--ways", "interpreter,trap-and-emulate,hybrid")


def test_table() -> None:
    done = kseg(*SMALL, "cms-kuseg", "echo hello; halt")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "cms-kuseg echo hello; halt"
    assert lines[2].split() == ["seconds", "slowdown", "direct", "emulated", "exits"]
    assert "booted: cms (interpreter), cms-kuseg (trap-and-emulate, hybrid)" in lines
    assert max(map(len, lines)) <= 100
    assert "\x1b" not in done.stdout
    assert "kseg: hybrid: round 1 of 1" in done.stderr


def test_json_and_input(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("echo hello\nhalt\n")
    done = kseg(*SMALL, "--format", "json", "--input", "in", "cms", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    assert data["differences"] == []
    assert [each["name"] for each in data["ways"]] == SMALL[-1].split(",")
    bare, monitored, _hybrid = data["ways"]
    assert bare["stop"] == {"reason": "power-off", "message": "the guest switched off"}
    for field in ("cycles", "executed_cycles", "output_bytes", "ram_sha256"):
        assert bare[field] == monitored[field]
    assert monitored["exits"]["kernel_segment_fetch"]["count"] > 0
    piped = kseg(
        *SMALL, "--format", "json", "--input", "-", "cms", input="echo hello\nhalt\n", cwd=tmp_path
    )
    assert json.loads(piped.stdout)["ways"][0]["cycles"] == bare["cycles"]


def test_chart() -> None:
    done = kseg(*SMALL, "--format", "svg", "cms", "halt")
    assert done.returncode == 0, done.stderr
    assert ET.fromstring(done.stdout).tag == "{http://www.w3.org/2000/svg}svg"


def test_differences_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "difference", lambda _run, _standard: "all of it")
    result = CliRunner().invoke(commands, ["compare", *SMALL[1:], "cms", "halt"])
    assert result.exit_code == 1
    assert "DIFFERENT: hybrid differs from interpreter: all of it" in result.stdout
    assert "kseg: hybrid differs from interpreter: all of it" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--ways", "magic", "cms"], "'--ways': no magic; there are: reference, interpreter"),
        (["--limit", "long", "cms"], "long is not a number of seconds"),
        (["--rounds", "0", "cms"], "--rounds"),
        (["--input", "no/such/file", "cms"], "input no/such/file: No such file or directory"),
        (["--ram", "much", "cms"], "ram much"),
        (["--disk", "no/such/disk", "cms"], "disk image"),
        (["no/such/kernel"], "no such file"),
        (["--ways", "hybrid", "--cpus", "2", "cms"], "one processor, not 2"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, arguments: list[str], complaint: str) -> None:
    done = kseg("compare", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert complaint in done.stderr.splitlines()[-1]
    assert done.stdout == ""
