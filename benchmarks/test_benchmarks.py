"""The checked-in images are what the sources say, and every platform computes the same.

Run with: pytest benchmarks
"""

import importlib.util
from pathlib import Path

import pytest

import build
import interpreter
import measure
import memory
import peers
import report
import startup
from rates import Checksums, Rates

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


def test_interpreter_tables_say_who_met_what() -> None:
    ours, theirs = peers.Kseg("interpreter"), FakePeer()
    results = [Rates("sieve", 1e6), Rates("crc32", 1e6)]
    for rates, fast in zip(results, (8e6, 2e6), strict=True):
        for _ in range(3):
            rates.add(ours.name, fast)
            rates.add(theirs.name, 1e6)
    rows = interpreter.rate_table(results, [ours, theirs]).splitlines()
    assert rows[2].split() == ["sieve", "8", "1"]
    assert "geometric mean" in interpreter.ratio_table(results, ours, [theirs])
    targets = interpreter.target_table(results, ours, [theirs]).splitlines()
    assert targets[2].split() == ["System/161,", "mean", "4.0", "4.00", "met"]
    assert targets[3].split() == ["System/161,", "worst:", "crc32", "4.0", "2.00", "MISSED"]


class FakePeer(peers.Peer):
    name = "System/161"

    def command(self, image: Path, work: Path) -> tuple[str, ...]:  # noqa: ARG002
        return ()


def test_imports_by_package() -> None:
    costs = {"json": 1.0, "json.decoder": 2.0, "kseg": 3.0, "kseg.cli": 4.0}
    assert startup.by_package(costs) == {"kseg": 7.0, "standard library": 3.0}


def test_probe_tells_time_and_memory(tmp_path: Path) -> None:
    told = memory.probe(tmp_path / "cache")
    assert list(told["seconds"]) == list(told["memory"])
    assert 0 < told["seconds"]["python"] < told["seconds"]["engine"]
    assert told["memory"]["run"] <= told["largest_memory"]
