"""Two runs held against each other: what is said about the first thing that differs."""

from dataclasses import replace
from functools import cache
from typing import Any

import msgspec
import pytest

from kseg.compare.difference import difference
from kseg.compare.run import Run, run_once
from kseg.compare.ways import WAYS
from kseg.compare.workload import Workload
from kseg.machine.board_state import BoardState
from kseg.memory.contents import RegionContents
from kseg.monitor.stop import Stop, StopReason


@cache
def standard() -> Run:
    workload = Workload("cms", "echo one; echo two; halt")
    return run_once(workload, WAYS["interpreter"], 60, lambda _machine: lambda: False)


def state() -> BoardState:
    found = standard().state
    assert found is not None
    return found


def changed(**changes: Any) -> Run:
    return replace(standard(), state=msgspec.structs.replace(state(), **changes))


def test_nothing() -> None:
    assert difference(standard(), standard()) is None
    assert difference(changed(), standard()) is None
    assert difference(standard().without_state(), standard()) is None


def test_output_by_byte_and_line() -> None:
    output = standard().output
    place = output.index(b"two")
    line = output[:place].count(b"\n") + 1
    found = difference(replace(standard(), output=output.replace(b"two", b"2wo")), standard())
    assert found is not None
    assert found.startswith(f"output differs from byte {place} (line {line}) on: '2wo")
    assert " instead of 'two" in found
    found = difference(replace(standard(), output=output[:place]), standard())
    assert found is not None
    assert "on: its end instead of 'two" in found


def test_a_run_cut_short_has_printed_the_beginning() -> None:
    cut = replace(standard(), stop=None, output=standard().output[:20], cycles=7)
    assert difference(cut, standard()) is None
    more = replace(cut, output=standard().output + b"!")
    assert "on: '!' instead of its end" in (difference(more, standard()) or "")


def test_ending_and_cycles() -> None:
    stop = Stop(StopReason.FATAL, 1, "it burns")
    found = difference(replace(standard(), stop=stop), standard())
    assert found == "it ended with: it burns; instead of: the guest switched off"
    found = difference(replace(standard(), cycles=1), standard())
    assert found == f"1 cycles instead of {standard().cycles}"


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("epc", 0xFFFF0000, "processor 0: epc is 0xffff0000 instead of 0x"),
        ("gpr", [0xFFFF0000] * 32, "processor 0: gpr[0] is 0xffff0000 instead of 0x0"),
    ],
)
def test_registers(field: str, value: Any, text: str) -> None:
    processor = {**state().processors[0], field: value}
    assert (difference(changed(processors=[processor]), standard()) or "").startswith(text)


def test_memory() -> None:
    ram = bytearray(state().regions["ram"].whole())
    ram[0x1236] ^= 0x55
    before = state().regions["ram"].whole()[0x1234:0x1238]
    regions = {**state().regions, "ram": RegionContents.of(bytes(ram))}
    found = difference(changed(regions=regions), standard())
    after = ram[0x1234:0x1238]
    assert found == f"ram, word at offset 0x1234: 0x{after.hex()} instead of 0x{before.hex()}"


def test_the_rest() -> None:
    found = difference(changed(powered_off=False), standard())
    assert found == "the machine's powered off: False instead of True"


def test_another_kernel_need_not_have_the_same_registers() -> None:
    other = replace(changed(powered_off=False), kernel="other", cycles=1)
    assert difference(other, standard()) is None
