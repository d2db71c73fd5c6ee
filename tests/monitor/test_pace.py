from types import SimpleNamespace

import pytest

from kseg.monitor import pace
from kseg.monitor.pace import Pace

MS = 1_000_000


class Clock:
    """The host's, which stands where it is put."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000_000 * MS
        monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic_ns=lambda: self.now))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_short_ticks_add_up(clock: Clock) -> None:
    del clock
    found = Pace()
    assert [found.ahead(n * MS, (n + 1) * MS) // MS for n in range(0, 30, 5)] == [
        1, 6, 11, 11, 11, 11,
    ]  # fmt: skip


def test_short_waits_for_devices_do_not(clock: Clock) -> None:
    del clock
    found = Pace()
    assert [found.ahead_by_event(n * MS, (n + 3) * MS) // MS for n in range(0, 3000, 300)] == (
        [3] * 10
    )
    assert found.ahead_by_event(0, 15 * MS) == 15 * MS


def test_a_machine_that_is_behind_catches_up(clock: Clock) -> None:
    found = Pace()
    found.ahead_by_event(0, 0)
    clock.now += 100 * MS
    assert found.ahead_by_event(10 * MS, 90 * MS) == 0
    assert found.ahead_by_event(10 * MS, 130 * MS) == 30 * MS
    assert found.ahead(10 * MS, 130 * MS) == 30 * MS


def test_what_was_not_waited_for_is_not_owed_to_clocks(clock: Clock) -> None:
    del clock
    found = Pace()
    for n in range(1000):
        found.ahead_by_event(n * MS, (n + 1) * MS)
    assert found.ahead(1000 * MS, 1001 * MS) == 11 * MS
