"""The DS1287: its periodic interrupt is exact, its calendar can be set, its memory keeps."""

import pytest

from kseg.devices.ds1287 import Ds1287, Ds1287State
from kseg.machine.event_queue import LATEST
from tests.devices.testbed import Bench

SECOND = 1_000_000_000
PERIODIC, SET, BINARY = 0x40, 0x80, 0x04
TIME = (0, 2, 4, 7, 8, 9)


@pytest.fixture
def bench() -> Bench:
    return Bench(Ds1287, byte_order="little")


def load(bench: Bench, cell: int) -> int:
    return int(bench.device.read(4 * cell, 1))


def store(bench: Bench, cell: int, value: int) -> None:
    bench.device.write(4 * cell, 1, value)


def date(bench: Bench) -> list[int]:
    return [load(bench, cell) for cell in TIME]


@pytest.mark.parametrize(("rate", "hertz"), [(6, 1024), (9, 128), (15, 2), (1, 256), (2, 128)])
def test_the_rate_is_what_it_says(bench: Bench, rate: int, hertz: int) -> None:
    store(bench, 0x0A, 0x20 | rate)
    store(bench, 0x0B, BINARY | PERIODIC)
    ticks = 0
    for _ in range(4096):
        bench.advance(SECOND // 2048)
        if bench.interrupt:
            assert load(bench, 0x0C) == 0xC0
            assert not bench.interrupt
            ticks += 1
    assert ticks in (2 * hertz - 1, 2 * hertz)  # half a period may be left at the end


def test_without_enable_or_oscillator_nothing_interrupts(bench: Bench) -> None:
    store(bench, 0x0A, 0x29)
    bench.advance(SECOND)
    assert not bench.interrupt
    assert load(bench, 0x0C) == PERIODIC
    store(bench, 0x0A, 0x09)
    store(bench, 0x0B, PERIODIC)
    bench.advance(SECOND)
    assert not bench.interrupt


def test_the_calendar_in_both_codes(bench: Bench) -> None:
    """The bench begins at 1,000,000 seconds: 1970-01-12 13:46:40, 42 years after 1928."""
    assert date(bench) == [40, 46, 13, 12, 1, 42]
    store(bench, 0x0B, 0)
    assert date(bench) == [0x40, 0x46, 0x13, 0x12, 0x01, 0x42]


def test_the_calendar_can_be_set(bench: Bench) -> None:
    store(bench, 0x0B, SET | BINARY)
    for cell, value in zip(TIME, (5, 4, 3, 29, 2, 72), strict=True):
        store(bench, cell, value)
    bench.advance(10 * SECOND)
    assert date(bench) == [5, 4, 3, 29, 2, 72]
    store(bench, 0x0B, BINARY)
    bench.advance(2 * SECOND)
    assert date(bench) == [7, 4, 3, 29, 2, 72]


def test_a_date_that_is_none_is_ignored(bench: Bench) -> None:
    store(bench, 8, 13)
    assert date(bench) == [40, 46, 13, 12, 1, 42]


def test_its_memory_keeps_what_is_written(bench: Bench) -> None:
    for cell in range(0x0E, 0x40):
        store(bench, cell, cell)
    assert [load(bench, cell) for cell in range(0x0E, 0x40)] == list(range(0x0E, 0x40))


@pytest.mark.parametrize(
    ("rate", "next_tick", "most"), [(0, 0, 1), (0x29, 0, 10), (0x29, LATEST, 10)]
)
def test_a_saved_tick_at_an_impossible_time_does_no_harm(
    bench: Bench, rate: int, next_tick: int, most: int
) -> None:
    """Neither for ever at once, nor never: a tick a period, or none where there is no rate."""
    bench.advance(10 * SECOND)
    bench.device.load(Ds1287State(a=rate, next_tick=next_tick))
    bench.device.schedule(0, "tick")
    ticks = 0
    while bench.clock.pending and ticks <= most:
        bench.advance(max(bench.clock.pending[0].due - bench.clock.now, 0))
        ticks += 1
        if bench.clock.now > 10 * SECOND + SECOND // 16:
            break
    assert ticks <= most
    assert bool(bench.clock.pending) == bool(rate)
