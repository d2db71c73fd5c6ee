"""`kseg run --stats`: what it says of the engine, and what the next run has of this one."""

import json
import platform
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from kseg.bench.programs import image, with_rounds
from kseg.engine import CHOICES
from kseg.engine.contract import EngineStatistics
from tests.cli.command import COMMAND, environment, kseg

PATIENCE = 120.0


def check(data: dict[str, Any]) -> None:
    """All fields are there, and add up."""
    engine = data["engine"]
    assert set(engine) == {*EngineStatistics._fields, "interpreted_cycles"}
    cycles = sum(each["cycles"]["kernel"] + each["cycles"]["user"] for each in data["processors"])
    assert engine["translated_cycles"] + engine["interpreted_cycles"] == cycles > 0
    assert all(value >= 0 for name, value in engine.items() if name != "name")


@pytest.mark.slow("reference")
@pytest.mark.parametrize("engine", CHOICES)
def test_the_engine_is_the_one_that_ran(engine: str, tmp_path: Path) -> None:
    stats = tmp_path / "stats"
    kseg("run", "--engine", engine, "--stats", stats, "cms", "echo hello; halt")
    data = json.loads(stats.read_text())
    check(data)
    assert data["engine"]["name"] == ("translator" if engine == "auto" else engine)
    if engine in ("interpreter", "reference"):
        assert data["engine"]["translated_cycles"] == 0


def test_auto_is_the_default_and_an_unknown_engine_is_told_of_all() -> None:
    assert json.loads(kseg("run", "--stats", "-", "cms", "halt").stdout.partition("\n")[2])[
        "engine"
    ]["name"] == "translator"  # fmt: skip
    refused = kseg("run", "--engine", "steam", "cms")
    assert refused.returncode == 2
    assert refused.stderr == (
        "kseg: engine 'steam': no such engine; there are auto, translator, interpreter, reference\n"
    )


def until_there_are(folder: Path, kind: str) -> None:
    """Wait for what is made in the background of a machine, and after it."""
    deadline = time.monotonic() + PATIENCE
    while not list(folder.glob(f"{kind}-*")):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
def test_the_second_run_finds_what_the_first_has_made(tmp_path: Path) -> None:
    folder, kernel = tmp_path / "cache", tmp_path / "sieve"
    kernel.write_bytes(with_rounds(image("system161", "sieve"), 20, "big"))

    def run(*arguments: str | Path) -> str:
        return subprocess.run(
            [*COMMAND, *arguments],
            env=environment(KSEG_CACHE_DIR=str(folder), KSEG_READY_MADE="0"),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True,
        ).stdout  # fmt: skip

    runs = []
    for _ in range(2):
        printed, _, stats = run(
            "run", "--compiler-share", "1000", "--stats", "-", kernel
        ).partition("\n")
        assert printed.startswith("sieve 20 ")
        runs.append(json.loads(stats))
        check(runs[-1])
        until_there_are(folder, "translations")
    first, second = (data.pop("engine") for data in runs)
    assert first["cache_hits"] == 0
    assert second["cache_hits"] > 0
    assert second["translated_cycles"] > second["interpreted_cycles"]
    for data in runs:
        del data["wall_seconds"]
        assert data.pop("processor_seconds") > 0
    assert runs[0] == runs[1]

    kinds = ["interpreter", "translations"]
    if platform.machine() == "x86_64":
        kinds.append("stencils")
    for kind in kinds:
        until_there_are(folder, kind)
    shown = run("cache", "info")
    for kind in kinds:
        assert f"  {kind}-" in shown
    # The compiler may still be at what the second run asked of it.
    deadline = time.monotonic() + PATIENCE
    while not run("cache", "info").endswith("         0  bytes in 0 files\n"):
        assert time.monotonic() < deadline
        assert run("cache", "clear").startswith("removed ")


@pytest.mark.slow
def test_a_cache_that_cannot_be_used_is_one_warning(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = subprocess.run(
        [*COMMAND, "run", "cms", "echo hello; halt"],
        env=environment(KSEG_CACHE_DIR=str(tmp_path / "file"), KSEG_READY_MADE="0"),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout.endswith("\nhello\n")
    assert ran.stderr.startswith("kseg: warning: cannot keep generated code in ")
    assert ran.stderr.count("\n") == 1
