"""A short run that is repeated: compiled in the second at the latest, translated in the third."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from kseg.bench.programs import PROGRAMS, image, with_rounds
from kseg.engine.codegen import cache
from tests.cli.command import kseg

PATIENCE = 60.0
"""Seconds: the host may be busy."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache in which nothing is known of guests."""
    path = tmp_path / "cache"
    path.mkdir(mode=0o700)
    for entry in cache.entries():
        if not entry.name.startswith(("account", "translations")):
            shutil.copy(entry, path)
    monkeypatch.setenv("KSEG_CACHE_DIR", str(path))
    return path


def test_the_third_run_is_translated_and_none_differs(folder: Path, tmp_path: Path) -> None:
    program = tmp_path / "sieve"
    rounds = PROGRAMS["sieve"].rounds(150e6)
    program.write_bytes(with_rounds(image("system161", "sieve"), rounds, "big"))
    outputs, did = [], []
    for run in range(3):
        statistics = tmp_path / f"statistics-{run}"
        outputs.append(kseg("run", "--stats", statistics, program).stdout)
        did.append(json.loads(statistics.read_text()))
        deadline = time.monotonic() + PATIENCE
        while run == 1 and not list(folder.glob("translations-*")):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert f"sieve {rounds}" in outputs[0]
    assert len(set(outputs)) == 1
    assert all(_of_the_guest(each) == _of_the_guest(did[0]) for each in did)
    assert did[0]["engine"]["cache_hits"] == 0
    assert max(each["engine"]["compile_seconds"] for each in did[:2]) > 0
    third = did[2]["engine"]
    assert (third["cache_hits"], third["compiled"], third["compile_seconds"]) == (1, 0, 0.0)
    assert third["translated_cycles"] > third["interpreted_cycles"]


def _of_the_guest(statistics: dict[str, Any]) -> list[Any]:
    return [statistics[name] for name in ("cycles", "instructions", "processors", "devices")]
