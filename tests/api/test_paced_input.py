"""What is typed arrives, whatever the guest does about it."""

import pytest

from kseg import Machine
from kseg.api import StopReason
from kseg.machine.clock import SECOND
from kseg.machine.typist import BUSY_PATIENCE, PATIENCE
from tests.cli import kernels


def run(tmp_path, kernel, text):
    path = tmp_path / "kernel"
    path.write_bytes(kernel)
    with Machine(path, input=text) as machine:
        stop = machine.run(seconds=120)
        return stop.reason, machine.memory.virtual().read(kernels.RECEIVED, 4), machine.time


@pytest.mark.parametrize("rests", [True, False])
def test_a_guest_that_echoes_takes_no_time(tmp_path, rests):
    reason, received, time = run(tmp_path, kernels.reading(echo=True, rests=rests), "abcd")
    assert (reason, received) == (StopReason.POWER_OFF, b"abcd")
    assert time < 2 * BUSY_PATIENCE / SECOND


def test_a_guest_that_waits_without_echo_takes_no_time(tmp_path):
    reason, received, time = run(tmp_path, kernels.reading(echo=False, rests=True), "abcd")
    assert (reason, received) == (StopReason.POWER_OFF, b"abcd")
    assert time < PATIENCE / SECOND


@pytest.mark.slow
def test_a_guest_that_polls_without_echo_takes_patience(tmp_path):
    reason, received, time = run(tmp_path, kernels.reading(echo=False, rests=False), "abcd")
    assert (reason, received) == (StopReason.POWER_OFF, b"abcd")
    assert 3 * BUSY_PATIENCE / SECOND < time < 5 * BUSY_PATIENCE / SECOND


def test_one_character_at_a_time(tmp_path):
    path = tmp_path / "kernel"
    path.write_bytes(kernels.ticking())
    with Machine(path, input="abcdef") as machine:
        assert machine.typing
        machine.run(seconds=2.2 * PATIENCE / SECOND)
        serial = machine.board.cards[0].save()
        # The guest never reads: the first is in the register, the others wait in the card.
        assert serial.character == ord("a")
        assert len(serial.waiting) <= 4
        assert machine.typing
