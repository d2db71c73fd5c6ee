"""The DZ11: scanning, sending, the silo, its interrupt."""

import pytest

from kseg.devices.dz11 import CONSOLE, SILO, Dz11, Dz11State
from kseg.errors import StateError
from tests.devices.testbed import Bench

CSR, BUFFER, LINES, DATA = 0x00, 0x08, 0x10, 0x18
SCANNING, RECEIVES, SENDS, CLEAR = 0x20, 0x40, 0x4000, 0x10
READY, DONE, VALID = 0x8000, 0x80, 0x8000


@pytest.fixture
def bench() -> Bench:
    return Bench(Dz11, byte_order="little")


def store(bench: Bench, offset: int, value: int) -> None:
    bench.device.write(offset, 2, value)


def test_a_line_is_ready_while_lines_are_scanned(bench: Bench) -> None:
    store(bench, LINES, 0b1000)
    assert bench.device.read(CSR, 2) == 0
    store(bench, CSR, SCANNING | SENDS)
    assert bench.device.read(CSR, 2) == READY | SENDS | CONSOLE << 8 | SCANNING
    assert bench.interrupt
    store(bench, LINES, 0)
    assert not bench.interrupt


def test_only_the_consoles_line_is_printed(bench: Bench) -> None:
    store(bench, CSR, SCANNING)
    for line in range(4):
        store(bench, LINES, 1 << line)
        assert bench.device.read(CSR, 2) >> 8 & 3 == line
        store(bench, DATA, ord("0") + line)
    assert bench.console == b"3"


def test_what_is_typed_waits_for_a_receiver(bench: Bench) -> None:
    device = bench.device
    assert not device.can_receive()
    store(bench, CSR, SCANNING | RECEIVES)
    store(bench, BUFFER, 0x1000 | CONSOLE)
    assert device.can_receive()
    device.receive(b"x" * SILO)
    assert not device.can_receive()
    assert bench.interrupt
    assert device.peek(BUFFER, 2) == VALID | CONSOLE << 8 | ord("x")
    for _ in range(SILO):
        assert bench.interrupt
        assert device.read(CSR, 2) & DONE
        assert device.read(BUFFER, 2) == VALID | CONSOLE << 8 | ord("x")
    assert not bench.interrupt
    assert device.read(BUFFER, 2) == 0


def test_clear_forgets_all_and_is_over_at_once(bench: Bench) -> None:
    store(bench, CSR, SCANNING | RECEIVES)
    store(bench, BUFFER, 0x1000 | CONSOLE)
    bench.device.receive(b"x")
    store(bench, CSR, CLEAR)
    assert bench.device.read(CSR, 2) == 0
    assert not bench.interrupt
    assert bench.device.save() == Bench(Dz11).device.save()


def test_a_saved_silo_that_lies_is_refused(bench: Bench) -> None:
    with pytest.raises(StateError, match=r"2 characters wait, and 0 are there"):
        bench.device.load(Dz11State(received=2))
