"""A DECstation's floating-point unit: the choice of it, and a test program under Linux."""

from pathlib import Path
from typing import Any

import pytest

from kseg.errors import ConfigurationError
from kseg.monitor.stop import StopReason
from tests.boards.decstation.kernels import LINUX, built
from tests.boards.decstation.test_board import decstation

PROBE = """
        lui     t0, 0x2000      # CU1
        mtc0    t0, c0_status
        nop
        nop
        cfc1    s0, $0
        nop
        cfc1    s1, $31
        b       .
        nop
"""
GUESTS = LINUX.parents[1] / "linux-decstation-net"


@pytest.mark.parametrize(
    ("unit", "fir"), [({}, 0x340), ({"fpu": "complete"}, 0x340), ({"fpu": "r3010"}, 0x340),
                      ({"fpu": "none"}, 0)]
)  # fmt: skip
def test_a_kernel_finds_the_unit(tmp_path: Path, unit: dict[str, Any], fir: int) -> None:
    with decstation(built(tmp_path, PROBE), **unit) as machine:
        machine.run(cycles=200)
        assert machine.processors[0].registers["s0"] == fir
        assert ("f0" in machine.processors[0].registers) == (fir != 0)


def test_a_snapshot_knows_the_unit(tmp_path: Path) -> None:
    from kseg import Machine

    with decstation(built(tmp_path, PROBE), fpu="r3010") as machine:
        machine.run(cycles=200)
        machine.save(tmp_path / "state")
    with Machine.from_snapshot(tmp_path / "state") as again:
        assert again.board.profile == "r3000-interlocked-r3010"


def test_others_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="fpu=68881: there are complete, r3010, none"):
        decstation(built(tmp_path, PROBE), fpu="68881")


def lines(text: str) -> list[str]:
    """What the test program prints, down to its total: operations, and digests of the results."""
    found = text.replace("\r", "").splitlines()
    end = next(number for number, line in enumerate(found) if line.startswith("total "))
    begin = next(number for number, line in enumerate(found) if line.startswith("add.s"))
    return found[begin : end + 1]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["interpreter", "translator"])
@pytest.mark.parametrize("unit", ["complete", "r3010", "none"])
def test_programs_get_the_same_bits_from_all(unit: str, engine: str) -> None:
    """32,832 operations, against what an exact model of them gave."""
    kernel, expected = GUESTS / "vmlinux-net-fpufix", GUESTS / "fptest" / "linux-nofpu.txt"
    if not kernel.exists():
        pytest.skip("there is no Linux with a test program beside this checkout")
    with decstation(kernel, "console=ttyS3 fptest", ram="32M", fpu=unit, engine=engine) as machine:
        assert machine.run(cycles=200_000_000).reason == StopReason.POWER_OFF
        assert lines(machine.console.output) == lines(expected.read_text())
