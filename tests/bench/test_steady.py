"""Rates and code sizes, with a stand-in for kseg that says what it is told to."""

import json
from pathlib import Path

import pytest

from kseg.bench.harness import QUICK, Harness, Speed
from kseg.bench.kseg_peer import Kseg
from kseg.bench.steady import code_sizes, measure_steady

SCRIPT = """#!/bin/sh
for image; do :; done
rounds=${image##*-}
i=0
while [ $i -lt ${rounds}000 ]; do i=$((i+1)); done
echo "sieve $rounds 00000000"
[ "$3" = --stats ] || [ "$2" != --stats ] || cp statistics "$3"
"""


def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: object) -> Harness:
    path = tmp_path / "kseg"
    path.write_text(SCRIPT)
    path.chmod(0o755)
    told = {"instructions": 1000, "engine": engine}
    (tmp_path / "statistics").write_text(json.dumps(told))
    monkeypatch.setenv("KSEG", str(path))
    harness = Harness(tmp_path, QUICK, 1, lambda _: None, [Kseg("fast")])
    harness.speeds["kseg fast"] = Speed(rounds_per_second=1000, start=0)
    return harness


def test_a_rate_is_between_two_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = measure_steady(harness(tmp_path, monkeypatch, "fast"), ["sieve"])
    (rate,) = samples.cells["kseg fast"]["sieve"]
    assert 10 < rate < 100_000


def test_code_size_for_each_translated_instruction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = {"name": "fast", "code_bytes": 600, "translated_instructions": 8}
    assert code_sizes(harness(tmp_path, monkeypatch, engine), ["sieve"]) == {"sieve": 75}


@pytest.mark.parametrize(
    "engine", ["interpreter", None, {"name": "x"}, {"code_bytes": 0, "translated_instructions": 0}]
)
def test_engines_that_translate_nothing_have_no_code_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: object
) -> None:
    assert code_sizes(harness(tmp_path, monkeypatch, engine), ["sieve"]) == {}
