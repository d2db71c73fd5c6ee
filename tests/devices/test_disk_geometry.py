import ctypes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg.devices.disk_geometry import SECOND, TRACKS, Geometry

SECTORS = 10240
GEOMETRY = Geometry(SECTORS, 7200)


def locate(sector: int) -> tuple[int, int]:
    track = GEOMETRY.track_of(sector)
    return track, GEOMETRY.index_of(sector, track)


def read_delay(track: int, index: int, arrival: tuple[int, int], now: tuple[int, int]) -> int:
    return GEOMETRY.read_delay(track, index, (ctypes.c_uint32 * 2)(*arrival), *now)


def test_sector_0_is_on_the_outermost_track() -> None:
    assert locate(0) == (TRACKS - 1, 0)
    assert sum(GEOMETRY.track_lengths) >= SECTORS
    assert list(GEOMETRY.track_lengths) == sorted(GEOMETRY.track_lengths)


@given(st.integers(0, SECTORS - 1))
def test_every_sector_has_its_place(sector: int) -> None:
    track, index = locate(sector)
    assert 0 <= index < GEOMETRY.track_lengths[track]
    assert sum(GEOMETRY.track_lengths[track + 1 :]) + index == sector


@pytest.mark.parametrize("sectors", [0, 128, 7983])
def test_small_disks_cannot_be_laid_out(sectors: int) -> None:
    with pytest.raises(ValueError, match="track"):
        Geometry(sectors, 3600)


def test_seeks() -> None:
    assert [GEOMETRY.seek_times[n] for n in (0, 1, 3, 4, 319)] == [
        0, 5_000_000, 15_000_000, 16_000_000, 63_581_713,
    ]  # fmt: skip


times = st.tuples(st.integers(0, 1 << 31), st.integers(0, SECOND - 1))


@given(st.integers(0, SECTORS - 1), times)
def test_a_write_ends_within_a_revolution_and_a_sector(sector: int, now: tuple[int, int]) -> None:
    track, index = locate(sector)
    delay = GEOMETRY.write_delay(track, index, now[1])
    assert 0 <= delay <= 2 * GEOMETRY.revolution
    step = GEOMETRY.revolution // GEOMETRY.track_lengths[track]
    end = (now[1] + delay) % GEOMETRY.revolution
    assert end in {(index + 1) * step, (index + 1) * step % GEOMETRY.revolution}


@given(st.integers(0, SECTORS - 1), times, st.integers(0, 2 * SECOND))
def test_what_has_passed_under_the_heads_need_not_be_waited_for(
    sector: int, arrival: tuple[int, int], later: int
) -> None:
    track, index = locate(sector)
    first = read_delay(track, index, arrival, arrival)
    assert 0 <= first <= 2 * GEOMETRY.revolution
    carried, nanoseconds = divmod(arrival[1] + later, SECOND)
    then = (arrival[0] + carried, nanoseconds)
    assert read_delay(track, index, arrival, then) == max(first - later, 0)


@given(st.integers(0, SECTORS - 1), st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFFFFFF))
def test_a_calendar_set_to_nonsense_does_not_hang(sector: int, a: int, b: int) -> None:
    track, index = locate(sector)
    assert 0 <= GEOMETRY.write_delay(track, index, b) < 1 << 32
    assert 0 <= read_delay(track, index, (b, a), (a, b)) < 1 << 32
