import pytest

from kseg.devices.timer import Timer
from kseg.errors import BusError, GuestFatal
from tests.devices.testbed import Bench

SECONDS, NANOSECONDS, RESTART, IRQ, COUNTDOWN, BEEP = 0, 4, 8, 12, 16, 20


def test_a_countdown_raises_the_interrupt_once() -> None:
    bench = Bench(Timer)
    bench.write(COUNTDOWN, 100)
    assert bench.read(COUNTDOWN) == 100
    assert bench.until(lambda: bench.interrupt) == 100_000
    assert bench.device.peek(IRQ) == 1
    assert bench.read(IRQ) == 1
    assert bench.read(IRQ) == 0
    assert not bench.interrupt
    assert bench.clock.next_due is None


def test_a_restarting_one_goes_on() -> None:
    bench = Bench(Timer)
    bench.write(RESTART, 1)
    bench.write(COUNTDOWN, 10)
    for _ in range(3):
        assert bench.until(lambda: bench.interrupt) == 10_000
        bench.read(IRQ)
    bench.write(RESTART, 0)
    bench.until(lambda: bench.interrupt)
    assert bench.clock.next_due is None


def test_a_new_countdown_outdates_the_old_one() -> None:
    bench = Bench(Timer)
    bench.write(COUNTDOWN, 10)
    bench.write(COUNTDOWN, 100)
    bench.advance(50_000)
    assert not bench.interrupt
    bench.advance(50_000)
    assert bench.interrupt


def test_a_period_of_zero_does_not_stop_time() -> None:
    bench = Bench(Timer)
    bench.write(RESTART, 1)
    bench.write(COUNTDOWN, 0)
    bench.advance(4000)
    assert bench.interrupt
    assert bench.clock.now == 4000


def test_restarting_for_ever_does_not_fill_memory() -> None:
    bench = Bench(Timer)
    for _ in range(3000):
        bench.write(COUNTDOWN, 0xFFFFFFFF)
    assert len(list(bench.clock.pending)) == bench.clock.CROWDED
    bench.until(lambda: bench.interrupt)


def test_the_calendar() -> None:
    bench = Bench(Timer)
    bench.advance(1_500_000_000)
    assert (bench.read(SECONDS), bench.read(NANOSECONDS)) == (1_000_001, 500_000_000)
    bench.write(SECONDS, 5)
    bench.write(NANOSECONDS, 6)
    assert (bench.read(SECONDS), bench.read(NANOSECONDS)) == (5, 6)


def test_what_the_hardware_does_not_like() -> None:
    bench = Bench(Timer)
    for offset in (BEEP, 24, 28):
        with pytest.raises(GuestFatal, match="Illegal timer register read"):
            bench.read(offset)
    for offset in (IRQ, 24, 28):
        with pytest.raises(GuestFatal, match="Illegal timer register write"):
            bench.write(offset, 0)
    with pytest.raises(BusError):
        bench.read(32)
    bench.write(BEEP, 440)
    assert bench.control.asked == ["beep"]


def test_the_expiry_is_that_of_the_latest_countdown() -> None:
    bench = Bench(Timer)
    timer = bench.device
    assert isinstance(timer, Timer)
    assert timer.expiry is None
    bench.write(COUNTDOWN, 10)
    bench.write(RESTART, 1)
    bench.write(COUNTDOWN, 100)
    assert timer.expiry is not None
    assert timer.expiry.due == bench.clock.now + 100_000
    bench.clock.bring_forward(timer.expiry)
    # The interrupt is there, and the next period begins now.
    assert bench.interrupt
    assert timer.expiry.due == bench.clock.now + 100_000
    bench.write(RESTART, 0)
    bench.until(lambda: timer.expiry is None)
