import json
from pathlib import Path

import pytest

from kseg import Machine
from kseg.api import StopReason
from kseg.kernels.failure_report import MOST_LINES, Report, report
from tests.cli import kernels
from tests.unwind.programs import TWO, boot

FAILING = f"""
        la      sp, 0x80040000
        mtc0    zero, c0_status
        jal     outer
        nop
outer:  addiu   sp, sp, -24
        sw      ra, 20(sp)
        jal     inner
        nop
inner:  li      t0, {kernels.CONTROL + 8:#x}
        li      t1, 1
        sw      t1, 0(t0)
        b       .
        nop
"""


def failed(directory: Path, source: str = FAILING, **options: object) -> tuple[Machine, Report]:
    machine = boot(directory, source, **options)
    stop = machine.run()
    return machine, machine.report(stop)


def test_a_guest_that_the_hardware_does_not_survive(tmp_path: Path) -> None:
    machine, found = failed(tmp_path)
    with machine:
        assert (found.reason, found.message) == ("fatal", "Invalid power state")
        assert (found.cycles, found.seconds) == (machine.cycles, machine.time)
        (processor,) = found.processors
        assert processor.registers["t1"] == 1
        assert [frame.function for frame in processor.trace][:2] == ["inner", "outer"]
        assert processor.last_exception is None
        lines = str(found).splitlines()
        assert lines[0].startswith("fatal: Invalid power state, after ")
        assert lines[1].startswith("CPU 0: running, kernel mode, pc 0x8000")
        assert any("t1 00000001" in line for line in lines)
        assert "no exception so far" in lines
        assert any(line.startswith("#1  ") and "outer+0x10" in line for line in lines)
        assert found.lines(with_message=False)[0].startswith("fatal, after ")


def test_data_are_plain(tmp_path: Path) -> None:
    machine, found = failed(tmp_path)
    with machine:
        data = json.loads(json.dumps(found.data()))
        assert data["processors"][0]["trace"][0]["function"] == "inner"
        assert data["processors"][0]["registers"]["pc"] == machine.processors[0].pc
        assert "trace_text" not in data["processors"][0]


def test_the_last_exception(tmp_path: Path) -> None:
    source = "lui sp, 0x8004\nnop\njal bad\nnop\nnop\nbad: lw t0, 3(zero)\nnop\n"
    with boot(tmp_path, source) as machine:
        machine.run(cycles=5)
        found = machine.report()
        last = found.processors[0].last_exception
        assert (last.name, last.bad_address, last.at) == ("Address error - load", 3, "bad")
        text = str(found)
        assert "last exception: Address error - load, at 0x80001014 bad, bad address" in text
        assert "exceptions taken: AdEL 1" in text
        assert text.startswith("the machine stands, after 5 cycles")


def test_what_others_have_to_say(tmp_path: Path) -> None:
    machine, _ = failed(tmp_path)
    with machine:
        kept = [f"exception {number}" for number in range(20)]
        found = machine.report(last_exceptions=kept, replay="kseg replay log")
        lines = found.lines()
        assert lines[-1] == "to see it again: kseg replay log"
        assert [line for line in lines if "exception 1" in line] == [
            f"last exceptions: exception {number}" for number in range(12, 20)
        ]


@pytest.mark.parametrize("cpus", [1, 2, 8, 32])
def test_it_is_compact(tmp_path: Path, cpus: int) -> None:
    with boot(tmp_path, TWO, cpus=cpus) as machine:
        machine.run(cycles=1000)
        found = machine.report(last_exceptions=["x"] * 50, replay="y")
        assert len(found.processors) == cpus
        lines = found.lines()
        assert len(lines) <= MOST_LINES
        assert all(len(line) <= 132 for line in lines)


def test_of_the_processor_that_did_it(tmp_path: Path) -> None:
    with boot(tmp_path, TWO, cpus=2) as machine:
        machine.run(cycles=1000)
        machine.processors[1].registers["pc"] = 0x80001000
        state = machine.processors[1].state
        state.gpr[8] = 0
        code = machine.processors[0].pc  # CPU 1 is to write Status bits that there are not.
        machine.memory.virtual().set_word(0x80030000, 0x3C080001)  # lui t0, 1
        machine.memory.virtual().set_word(0x80030004, 0x40886000)  # mtc0 t0, c0_status
        machine.processors[1].registers["pc"] = 0x80030000
        stop = machine.run()
        assert (stop.reason, stop.processor) == (StopReason.FATAL, 1)
        found = report(machine, stop)
        assert [each.number for each in found.processors] == [1, 0]
        assert code


def test_it_changes_nothing() -> None:
    with Machine("cms", "hog", epoch=0) as machine:
        machine.run(seconds=0.2)
        before = machine.board.save()
        machine.report()
        assert machine.board.save() == before


def test_a_power_off_that_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "k").write_bytes(kernels.panicking())
    with Machine(tmp_path / "k") as machine:
        stop = machine.run()
        assert stop.exit_code == 1
        assert machine.report(stop).message == (
            "the guest switched off after it had asked for a debugger"
        )
