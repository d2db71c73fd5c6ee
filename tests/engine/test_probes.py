"""Every engine answers as System/161 does (`probes`, and its answers in `data`)."""

import json
from collections.abc import Iterator

import pytest

from kseg import Machine
from kseg.machine.elf import parse_image
from tests.engine.probes import ANSWERS, CONFIGURATION, PRINTING, PROBES, RECORDS, program

EXPECTED: dict[str, str] = json.loads(ANSWERS.read_text())

WAYS = [
    ("reference", "bare"),
    ("interpreter", "bare"),
    ("translator", "bare"),
    ("interpreter", "hybrid"),
]


@pytest.fixture(scope="module", params=WAYS, ids="-".join)
def machine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    place = tmp_path_factory.mktemp("probes")
    (place / "sys161.conf").write_text(CONFIGURATION)
    (place / "probe").write_bytes(program(next(iter(PROBES))))
    engine, monitor = request.param
    with Machine(
        place / "probe", config=place / "sys161.conf", engine=engine, monitor=monitor
    ) as machine:
        yield machine


def answer(machine: Machine, name: str) -> str:
    machine.board.load_kernel(parse_image(program(name)))
    machine.reset()
    processor = machine.board.processors[0]
    while processor.pc not in PRINTING:
        machine.run(cycles=50)
        assert machine.cycles < 1_000_000
    records = machine.board.memory.read(RECORDS & 0x1FFFFFFF, processor.gpr[28] - RECORDS)
    return " ".join(records[at : at + 4].hex() for at in range(0, len(records), 4))


def test_every_probe_has_an_answer() -> None:
    assert EXPECTED.keys() == PROBES.keys()


@pytest.mark.parametrize("name", PROBES)
def test_as_system161(machine: Machine, name: str) -> None:
    assert answer(machine, name) == EXPECTED[name]
