"""Where sectors lie on a platter, and how long it takes to get there: System/161's model.

320 tracks between 20 and 80 mm, each with as many sectors as its area allows; sector 0 is on the
outermost track. The platter is at angle 0 at each whole second. Floating point is evaluated in
System/161's order, so that tracks have the same lengths.
"""

import ctypes
import functools
from functools import lru_cache
from itertools import accumulate
from math import sqrt
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from kseg.engine.codegen.typed import Structure, below, u32, u64

TRACKS = 320
INNER_DIAMETER = 20
OUTER_DIAMETER = 80
PI = 3.14159
SPARE = 1.06
"""Sectors on the platter for each sector that can be used."""

if TYPE_CHECKING:
    Moment = Any  # as a saved state has it, a tuple
else:
    Moment = Annotated[ctypes.Array[ctypes.c_uint32], 2]
Track: TypeAlias = Annotated[int, below(TRACKS)]

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


class Geometry(Structure):
    """The tracks of a disk of `sectors` sectors turning at `rpm`; ValueError when no such disk
    can be laid out. Typed Python; times are in ns, and those of the calendar are of two parts."""

    sectors: u32
    revolution: u32
    track_lengths: Annotated[ctypes.Array[ctypes.c_uint32], TRACKS]
    ends: Annotated[ctypes.Array[ctypes.c_uint32], TRACKS]
    """How many sectors there are up to the end of each track, from the outermost one on."""
    seek_times: Annotated[ctypes.Array[ctypes.c_uint32], TRACKS]
    """By the number of tracks that are crossed."""

    def __init__(self, sectors: int, rpm: int) -> None:
        super().__init__(sectors=sectors, revolution=SECOND // (rpm // 60))
        lengths, ends = _tracks(sectors)
        self.track_lengths[:] = list(lengths)
        self.ends[:] = list(ends)
        self.seek_times[:] = [_seek_time(distance) for distance in range(TRACKS)]

    def track_of(self, sector: u32) -> Track:
        """The track that a sector is on."""
        low: u32 = 0
        high: u32 = TRACKS - 1
        while low < high:
            middle = (low + high) // 2
            if self.ends[middle % TRACKS] <= sector:
                low = u32(middle + 1)
            else:
                high = middle
        return TRACKS - 1 - low % TRACKS

    def index_of(self, sector: u32, track: Track) -> u32:
        """Which one of its track it is."""
        outside = (TRACKS - 1 - track) % TRACKS  # tracks that are further out
        start = self.ends[(outside + TRACKS - 1) % TRACKS] if outside else 0
        return u32(sector - start)

    def read_delay(
        self,
        track: Track,
        index: u32,
        arrival: Moment,
        seconds: u32,
        nanoseconds: u32,
    ) -> u32:
        """Time until sector `index` of `track` has passed under heads that came to the track at
        `arrival` (seconds and nanoseconds); 0 when it already has."""
        length = max(self.track_lengths[track], 1)
        target = self.after((index + 1) % length * (self.revolution // length), arrival[1])
        then, target_nanoseconds = u32(arrival[0] + target // SECOND), target % SECOND
        if then < seconds or (then == seconds and target_nanoseconds <= nanoseconds):
            return 0
        return u32((then - seconds) * SECOND + target_nanoseconds - nanoseconds)

    def write_delay(self, track: Track, index: u32, nanoseconds: u32) -> u32:
        """Time until sector `index` of `track` has been written."""
        step = self.revolution // max(self.track_lengths[track], 1)
        return u32(self.after(index * step, nanoseconds) + step - nanoseconds)

    def after(self, angle: u64, nanoseconds: u32) -> u64:
        """When the platter is at `angle` (in ns of a revolution) the first time not before."""
        if nanoseconds <= angle:
            return angle
        revolution = max(self.revolution, 1)
        turns = u64(nanoseconds - angle + revolution - 1) // revolution
        return u64(angle + turns * revolution)


def put_moment(moment: Moment, seconds: u32, nanoseconds: u32) -> None:
    """Note a time of the calendar."""
    moment[0], moment[1] = seconds, nanoseconds


def _seek_time(distance: int) -> int:
    if distance > 3:
        return int(MILLISECOND * (10 + 3 * sqrt(distance)))
    return MILLISECOND * 5 * distance


@functools.lru_cache(16)
def geometry(sectors: int, rpm: int) -> Geometry:
    """As `Geometry`, which never changes, so that disks of a kind can have one in common."""
    return Geometry(sectors, rpm)
