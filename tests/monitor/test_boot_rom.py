"""Exceptions before a kernel has handlers: what is known of the first."""

import pytest

from kseg import Machine
from kseg.monitor.boot_rom import BOOT_ROM, is_lost, lost, place_of
from tests.cli.command import kseg
from tests.cli.kernels import kernel


@pytest.fixture(scope="module", params=["reference", "interpreter"])
def machine(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("kernel") / "kernel"
    path.write_bytes(kernel("li t0, 0x1000\n jal f\n nop\nf: lw v0, 4(t0)\n jr ra\n nop\n"))
    with Machine(path, engine=request.param) as machine:
        machine.run(cycles=100)
        yield machine


def test_the_first_exception_is_remembered(machine) -> None:
    state = machine.board.processors[0]
    assert state.pc in BOOT_ROM
    assert state.epc in BOOT_ROM
    assert (state.boot_epc, state.boot_cause, state.boot_bad_vaddr) == (0x8000100C, 8, 0x1004)
    assert place_of(state) == state.boot_epc


def test_what_is_said(machine) -> None:
    assert is_lost(machine.board)
    stop = lost(machine.board)
    place = machine.board.processors[0].boot_epc
    assert stop.exit_code == 1
    assert stop.message.endswith(f": TLB miss - load, at pc {place:#010x}, address 0x00001004")


def test_the_report_has_it(machine) -> None:
    shown = str(machine.report())
    place = machine.board.processors[0].boot_epc
    assert f"last exception: TLB miss - load, at {place:#010x}" in shown
    assert str(machine.backtrace()).count("exception, in kernel mode") == 1


@pytest.mark.parametrize("command", [["run"], ["sys161", "-X"], ["host", "--guest"]])
def test_it_is_said_at_once(tmp_path, command) -> None:
    (tmp_path / "kernel").write_bytes(kernel("        lw v0, 4(zero)\n        nop\n"))
    (tmp_path / "sys161.conf").write_text("0 serial\n31 mainboard ramsize=512K cpus=1\n")
    name = "a=./kernel" if command[0] == "host" else "./kernel"
    result = kseg(*command, name, cwd=tmp_path)
    assert result.returncode == 1
    assert "TLB miss - load, at pc 0x80001000, address 0x00000004" in result.stderr
    if command[0] == "run":
        assert "fatal, after 50000 cycles" in result.stderr
