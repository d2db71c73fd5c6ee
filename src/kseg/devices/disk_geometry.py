"""Where sectors lie on a platter, and how long it takes to get there: System/161's model.

320 tracks between 20 and 80 mm, each with as many sectors as its area allows; sector 0 is on the
outermost track. The platter is at angle 0 at each whole second. Floating point is evaluated in
System/161's order, so that tracks have the same lengths.
"""

import functools
from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate
from math import sqrt

TRACKS = 320
INNER_DIAMETER = 20
OUTER_DIAMETER = 80
PI = 3.14159
SPARE = 1.06
"""Sectors on the platter for each sector that can be used."""

SECOND = 1_000_000_000
MILLISECOND = 1_000_000


@lru_cache(maxsize=64)
def _tracks(sectors: int) -> tuple[list[int], list[int]]:
    """The lengths of the tracks, and how many sectors there are up to the end of each from the
    outermost one on."""
    physical = int(sectors * SPARE)
    per_area = physical / (
        (OUTER_DIAMETER * OUTER_DIAMETER - INNER_DIAMETER * INNER_DIAMETER) * PI / 4
    )
    width = ((OUTER_DIAMETER - INNER_DIAMETER) // 2) / TRACKS
    lengths = []
    for track in range(TRACKS):
        inside = INNER_DIAMETER / 2.0 + track * width
        input_port = inside + width
        length = per_area * ((input_port + inside) * width * PI)
        if length < 2.0:
            raise ValueError(f"track {track} has only one sector")
        lengths.append(int(length) - 1)
    if sum(lengths) < sectors:
        raise ValueError("the tracks have too few sectors")
    return lengths, list(accumulate(reversed(lengths)))


class Geometry:
    """The tracks of a disk of `sectors` sectors turning at `rpm`; ValueError when no such disk
    can be laid out."""

    def __init__(self, sectors: int, rpm: int) -> None:
        self.track_lengths, self._ends = _tracks(sectors)
        self.revolution = SECOND // (rpm // 60)
        """ns."""

    def locate(self, sector: int) -> tuple[int, int]:
        """The track a sector is on, and which one of that track it is."""
        rank = bisect_right(self._ends, sector)
        start = self._ends[rank - 1] if rank else 0
        return TRACKS - 1 - rank, sector - start

    def seek_time(self, distance: int) -> int:
        """ns to cross `distance` tracks."""
        if distance > 3:
            return int(MILLISECOND * (10 + 3 * sqrt(distance)))
        return MILLISECOND * 5 * distance

    def read_delay(
        self, track: int, index: int, arrival: tuple[int, int], now: tuple[int, int]
    ) -> int:
        """ns until sector `index` of `track` has passed under heads that came to the track at
        `arrival`; 0 when it already has. Times are (seconds, nanoseconds)."""
        length = self.track_lengths[track]
        seconds, nanoseconds = arrival
        target = self._after((index + 1) % length * (self.revolution // length), nanoseconds)
        carried, target = divmod(target, SECOND)
        seconds = seconds + carried & 0xFFFFFFFF
        if (seconds, target) <= now:
            return 0
        return (seconds - now[0]) * SECOND + target - now[1] & 0xFFFFFFFF

    def write_delay(self, track: int, index: int, now: tuple[int, int]) -> int:
        """ns until sector `index` of `track` has been written."""
        step = self.revolution // self.track_lengths[track]
        return self._after(index * step, now[1]) + step - now[1] & 0xFFFFFFFF

    def _after(self, angle: int, nanoseconds: int) -> int:
        """When the platter is at `angle` (in ns of a revolution) the first time not before."""
        turns = -(-(nanoseconds - angle) // self.revolution)
        return angle + max(turns, 0) * self.revolution


@functools.lru_cache(16)
def geometry(sectors: int, rpm: int) -> Geometry:
    """As `Geometry`, which never changes, so that disks of a kind can have one in common."""
    return Geometry(sectors, rpm)
