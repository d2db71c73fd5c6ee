"""`kseg analyze`."""

import json
from functools import cache

from click.testing import CliRunner, Result

from kseg.cli.tree import kseg as commands
from kseg.errors import KsegError
from kseg.isa.profile import PROFILES
from tests.cli.command import kseg


@cache
def run(*arguments: str) -> Result:
    return CliRunner().invoke(commands, ["analyze", *arguments])


def test_table() -> None:
    result = run("--cpu", "lsi")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0].split() == ["theorem", "lsi,", "CU0", "clear", "lsi,", "CU0", "set"]
    assert "1: virtualisable" in lines[2]
    assert any(line.split()[:2] == ["rfe", "yes"] for line in lines)


def test_json() -> None:
    result = run("--cpu", "lsi", "--format", "json")
    data = json.loads(result.output)
    assert [(one["profile"], one["cu0"]) for one in data["analyses"]] == [
        ("lsi", False),
        ("lsi", True),
    ]
    analysis = data["analyses"][0]
    rfe = next(one for one in analysis["instructions"] if one["name"] == "rfe")
    assert rfe["privileged"]
    assert rfe["control_mode"]
    for witness in rfe["witnesses"]:
        assert {"kind", "word", "disassembly", "states", "outcome"} <= witness.keys()
        assert witness["word"] == "0x42000010"
    assert [one["theorem"] for one in analysis["verdicts"]] == [
        "1",
        "1 with windows",
        "1 by state",
        "2",
        "3",
    ]
    assert analysis["verdicts"][0].keys() >= {"holds", "because", "offenders"}


def test_markdown() -> None:
    result = run("--cpu", "lsi", "--format", "markdown")
    assert result.output.startswith("| Theorem ")
    assert "| `rfe` " in result.output


def test_unknown_processor() -> None:
    result = run("--cpu", "z80")
    assert isinstance(result.exception, KsegError)
    said = kseg("analyze", "--cpu", "z80")
    assert said.returncode == 2
    assert said.stderr == f"kseg: no processor profile 'z80'; there are: {', '.join(PROFILES)}\n"
