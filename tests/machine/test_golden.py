"""Whole programs on whole machines: console and statistics are System/161's, to the last cycle.

A test is one file, golden/NAME.s: the configuration after `#?`, what the program prints after
`#>`, and after `#=` the exit statistics that System/161 (snapshot 20220629) gave for it.
"""

from pathlib import Path

import pytest

from kseg import engine as engines
from kseg.isa.assembler import assemble
from kseg.machine import disk_image
from kseg.machine.elf import parse_image
from kseg.monitor.run_loop import RunLoop
from kseg.monitor.stop import StopReason
from tests.machine.boards import make_board

PROGRAMS = sorted((Path(__file__).parent / "golden").glob("*.s"))


def marked(source: str, mark: str) -> list[str]:
    """The lines of `source` that start with `mark`, without it."""
    return [
        line.removeprefix(mark).removeprefix(" ")
        for line in source.splitlines()
        if line.startswith(mark)
    ]


@pytest.mark.slow("reference")
@pytest.mark.parametrize("engine", engines.ENGINES)
@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_runs_as_on_system161(path: Path, engine: str, tmp_path: Path) -> None:
    source = path.read_text()
    (tmp_path / "files").mkdir()
    disk_image.create(tmp_path / "disk.img", 5 << 20)
    *cards, mainboard = marked(source, "#?")
    with make_board(*cards, mainboard=mainboard, directory=tmp_path) as board:
        board.load_kernel(parse_image(assemble(source).to_elf()))
        monitor = RunLoop(
            board,
            engines.create(engine, board.profile, board.byte_order, board.memory, board.processors),
        )
        assert monitor.run().reason == StopReason.POWER_OFF
        printed = board.collected.console.decode()  # type: ignore[attr-defined]
        lines = [line for line in monitor.statistics.lines() if "real time" not in line]
    assert (printed.splitlines(), lines) == (marked(source, "#>"), marked(source, "#="))
