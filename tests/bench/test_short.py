"""First and warm runs, with a stand-in for kseg that keeps something in its cache, or nothing."""

from pathlib import Path

import pytest

from kseg.bench.harness import QUICK, Harness, Speed
from kseg.bench.kseg_peer import Kseg
from kseg.bench.short import FIRST, measure_short

KEEPS = """#!/bin/sh
for image; do :; done
mkdir -p "$KSEG_CACHE_DIR"
touch "$KSEG_CACHE_DIR/interpreter"
case $image in
halt) ;;
*)
    rounds=${image##*-}
    work=0
    [ -e "$KSEG_CACHE_DIR/$rounds" ] || while [ $work -lt 100000 ]; do work=$((work + 1)); done
    touch "$KSEG_CACHE_DIR/$rounds"
    echo "crc32 $rounds 00000000"
    echo "sieve $rounds 00000000"
esac
"""
FORGETS = KEEPS.replace('    touch "$KSEG_CACHE_DIR/$rounds"\n', "")


def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Harness:
    path = tmp_path / "kseg"
    path.write_text(script)
    path.chmod(0o755)
    monkeypatch.setenv("KSEG", str(path))
    harness = Harness(tmp_path, QUICK, 2, lambda _: None, [Kseg("fast")])
    harness.speeds["kseg fast"] = Speed(rounds_per_second=1e6, start=0)
    return harness


@pytest.mark.slow
def test_the_first_run_has_an_empty_code_cache_in_every_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for samples in measure_short(harness(tmp_path, monkeypatch, KEEPS), ["crc32"]):
        first, warm = samples.cells["kseg fast" + FIRST], samples.cells["kseg fast"]
        assert min(first["crc32"]) > max(warm["crc32"])


@pytest.mark.slow
def test_an_engine_that_keeps_nothing_is_measured_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for samples in measure_short(harness(tmp_path, monkeypatch, FORGETS), ["crc32"]):
        assert list(samples.cells) == ["kseg fast"]
