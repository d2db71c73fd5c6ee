"""Rounds: every peer in turn, until the time is over; one that fails is out, and the others go
on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from kseg.bench.calibration import calibrate
from kseg.bench.harness import FULL, Harness, Speed
from kseg.bench.others import QemuUser
from kseg.bench.peer import Peer
from kseg.bench.process import MeasureError
from kseg.bench.samples import Samples


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def harness(tmp_path: Path, said: list[str]) -> Harness:
    return Harness(tmp_path, FULL, 3, said.append, [])


class FakePeer(Peer):
    """A shell script in the place of an emulator."""

    platform = "linux"

    def __init__(self, name: str, script: str) -> None:
        self.name, self.script = name, script

    def command(self, image: Path, work: Path) -> tuple[str, ...]:  # noqa: ARG002
        rounds = image.name.rpartition("-")[2]
        return ("sh", "-c", self.script, "script", rounds)


def counting(log: list[str], who: str) -> Callable[[str], float]:
    def figure(what: str) -> float:
        log.append(f"{who} {what}")
        return 1.0

    return figure


def test_everybody_is_measured_in_every_round(harness: Harness) -> None:
    log: list[str] = []
    samples = Samples("x", "x", "s", more_is_better=False)
    harness.interleave(samples, {who: counting(log, who) for who in "ab"}, ["p", "q"], 1)
    assert log == ["a p", "b p", "a q", "b q"] * 3
    assert samples.cells["a"] == {"p": [1.0] * 3, "q": [1.0] * 3}


def test_who_fails_is_out_and_the_others_go_on(harness: Harness, said: list[str]) -> None:
    log: list[str] = []

    def fail(_: str) -> float:
        raise MeasureError("it burns")

    samples = Samples("x", "x", "s", more_is_better=False)
    harness.interleave(samples, {"a": counting(log, "a"), "kseg b": fail, "c": fail}, ["p"], 1)
    assert list(samples.cells) == ["a"]
    assert harness.failures == ["kseg b: it burns"]
    assert said.count("c: left out: it burns") == 1


def test_one_round_is_made_however_little_time_there_is(harness: Harness) -> None:
    harness.rounds = None
    harness.effort = type(FULL)(1, 5, budget=0, longest=1, work=1)
    log: list[str] = []
    samples = Samples("x", "x", "s", more_is_better=False)
    harness.interleave(samples, {"a": counting(log, "a")}, ["p"], 10)
    assert log == ["a p"]


def test_what_takes_too_long_is_left_out(harness: Harness, said: list[str]) -> None:
    peer = FakePeer("slow", "")
    harness.speeds["slow"] = Speed(rounds_per_second=1, start=0)
    assert harness.has_time_for(peer, 50e6, "this")
    assert not harness.has_time_for(peer, 70e6, "that")
    assert said == ["slow: left out: that would take 70.0 s a run (see --full)"]


def test_the_survey_leaves_out_who_crashes_lies_or_is_slow(
    harness: Harness, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kseg.bench.calibration.PATIENCE", 0.5)
    monkeypatch.setattr("kseg.bench.calibration.LONG_ENOUGH", 0.005)
    works = 'i=0; while [ $i -lt ${1}00 ]; do i=$((i+1)); done; echo "sieve $1 00013aa7"'
    harness.others = [
        FakePeer("good", works),
        FakePeer("crashes", "echo segmentation fault; exit 139"),
        FakePeer("lies", 'echo "sieve $1 12345678"'),
        FakePeer("slow", "sleep 30"),
    ]
    calibrate(harness, "sieve", frozenset())
    assert [peer.name for peer in harness.others] == ["good"]
    assert harness.speeds["good"].rounds_per_second > 0
    messages = "\n".join(said)
    assert "crashes: left out: " in messages
    assert "12345678 under lies" in messages
    assert len(harness.failures) == 1, "it might as well be kseg that is wrong"
    assert "slow: left out: a million instructions take it over" in messages


def test_an_image_has_its_rounds_written_in(tmp_path: Path) -> None:
    images = [FakePeer("x", "").prepare("sieve", rounds, tmp_path) for rounds in (1, 0x01020304)]
    assert len(images) == 2
    contents = (tmp_path / f"{QemuUser.platform}-sieve-{0x01020304}").read_bytes()
    assert b"KSEG ROUNDS\0\x01\x02\x03\x04" in contents
