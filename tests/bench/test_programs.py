"""The benchmark programs: every peer computes the same, and as many instructions as are said."""

from collections.abc import Callable
from pathlib import Path

import pytest

from kseg.bench.harness import QUICK, Harness
from kseg.bench.kseg_peer import Kseg
from kseg.bench.others import OTHERS
from kseg.bench.peer import MissingError, Peer
from kseg.bench.process import MeasureError
from kseg.bench.programs import PROGRAMS, Checksums
from kseg.engine import ENGINES

CHECKSUMS = {
    "sieve": "00013aa7",
    "crc32": "df55c54a",
    "matmul": "0440cee9",
    "records": "ed2edfba",
    "bytecode": "000009fa",
    "walker": "3a148f34",
}
"""What one round computes."""


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    return Harness(tmp_path, QUICK, None, lambda _: None, [])


def check(peer: Peer, harness: Harness) -> None:
    for program, checksum in CHECKSUMS.items():
        assert f"{program} 1 {checksum}\n" in harness.run_program(peer, program, 1).output


def test_kseg_computes_what_it_should(harness: Harness) -> None:
    check(Kseg(ENGINES[0]), harness)


@pytest.mark.parametrize("kind", OTHERS.values(), ids=OTHERS)
def test_others_compute_the_same(kind: Callable[[], Peer], harness: Harness) -> None:
    try:
        peer = kind()
    except MissingError as missing:
        pytest.skip(str(missing))
    check(peer, harness)


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_take_as_many_instructions_as_they_say(program: str, harness: Harness) -> None:
    kseg = Kseg(ENGINES[0])
    one, many = (
        harness.count(kseg.prepare(program, rounds, harness.work)).instructions
        for rounds in (1, 301)
    )
    said = PROGRAMS[program]
    assert (many - one) / 300 == pytest.approx(said.each, rel=0.01)
    assert one == pytest.approx(said.preparing + said.each, rel=0.05)


def test_rounds_for_a_number_of_instructions() -> None:
    for program in PROGRAMS.values():
        rounds = program.rounds(1e9)
        assert program.preparing + rounds * program.each == pytest.approx(1e9, rel=0.001)
        assert program.rounds(1) == 1


def test_different_checksums_are_an_error() -> None:
    checksums = Checksums()
    checksums.check("one", "sieve", 1, "noise\nsieve 1 01234567\n")
    with pytest.raises(MeasureError, match="01234567 under one, 76543210 under other"):
        checksums.check("other", "sieve", 1, "sieve 1 76543210\n")
    with pytest.raises(MeasureError, match="no checksum"):
        checksums.check("one", "sieve", 1, "panic")
