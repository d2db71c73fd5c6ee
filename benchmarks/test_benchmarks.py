"""The checked-in images are what the sources say, and every platform computes the same.

Run with: pytest benchmarks
"""

import importlib.util
from pathlib import Path

import build
import measure
import peers
import pytest
import report
from rates import Checksums

CHECKSUMS = {
    "sieve": "00013aa7",
    "crc32": "df55c54a",
    "matmul": "0440cee9",
    "records": "ed2edfba",
    "bytecode": "000009fa",
    "walker": "3a148f34",
}
"""What one round computes."""


@pytest.mark.skipif(importlib.util.find_spec("ziglang") is None, reason="needs ziglang")
def test_images_are_built_from_these_sources() -> None:
    stale = [
        name
        for name, contents in build.build().items()
        if (build.IMAGES / name).read_bytes() != contents
    ]
    assert not stale, "run: python benchmarks/build.py"


@pytest.mark.parametrize("program", build.PROGRAMS)
def test_program_under_kseg(program: str, tmp_path: Path) -> None:
    kseg = peers.Kseg("interpreter")
    done = measure.run(kseg.prepare(program, 1, tmp_path), tmp_path)
    assert done.output == f"{program} 1 {CHECKSUMS[program]}\n"


@pytest.mark.parametrize("kind", peers.OTHERS, ids=lambda kind: kind.name)
def test_peer_computes_the_same(kind: type[peers.Peer], tmp_path: Path) -> None:
    try:
        peer = kind()
    except peers.MissingError as missing:
        pytest.skip(str(missing))
    for program, checksum in CHECKSUMS.items():
        command = peer.prepare(program, 1, tmp_path)
        done = measure.run(command, tmp_path, terminal=peer.terminal)
        assert f"{program} 1 {checksum}\n" in done.output


def test_a_round_is_about_a_million_instructions(tmp_path: Path) -> None:
    kseg = peers.Kseg("interpreter")
    for program in build.PROGRAMS:
        counts = [kseg.count_instructions(program, rounds, tmp_path) for rounds in (1, 3)]
        assert (counts[1] - counts[0]) / 2 == pytest.approx(1e6, rel=0.1)


def test_different_checksums_are_an_error() -> None:
    checksums = Checksums()
    peer = peers.Kseg("interpreter")
    checksums.check(peer, "sieve", 1, "noise\nsieve 1 01234567\n")
    with pytest.raises(measure.MeasureError, match="01234567"):
        checksums.check(peer, "sieve", 1, "sieve 1 76543210\n")
    with pytest.raises(measure.MeasureError, match="no checksum"):
        checksums.check(peer, "sieve", 1, "panic")


def test_run_tells_output_and_costs() -> None:
    done = measure.run(["sh", "-c", "echo one; echo two >&2"])
    assert done.output == "one\ntwo\n"
    assert 0 < done.processor_time <= done.wall_time + 0.1
    assert done.largest_memory > 100_000


def test_run_at_a_terminal() -> None:
    assert measure.run(["sh", "-c", "tty -s && echo yes"], terminal=True).output == "yes\n"


def test_run_reports_failure() -> None:
    with pytest.raises(measure.MeasureError, match="ended with 3"):
        measure.run(["sh", "-c", "exit 3"])


def test_median_of_ratios_and_geometric_mean() -> None:
    assert measure.median_ratio([2, 30, 8], [1, 10, 2]) == 3
    assert measure.geometric_mean([2, 0.5]) == pytest.approx(1)


def test_table() -> None:
    assert report.table(["a", "bb"], [["long", "1"]]) == "a     bb\n----  --\nlong   1"
