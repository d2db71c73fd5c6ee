"""Which preemptions a seed stands for.

A plan is a pure function of the strategy, the seed, and the course of the unperturbed run. Chances
of finding a race that needs `d` preemptions at particular ones of `k` instructions: about
(preemptions a run / k) to the power of d, as Burckhardt et al. reckon it ("A Randomized Scheduler
with Probabilistic Guarantees of Finding Bugs", ASPLOS 2010). So few preemptions are better only in
that each run is shorter and each failure simpler; and k should count instructions that matter,
which is what `places`, `shared` and `mix` are about.

`shared` goes through the places at which threads touch what others touch (`sharing`) one after the
other, seed for seed: so many seeds see so many of them. Up to that preemption a run is one in which
the place was seen, so that it happens where it is meant to; those that follow it are guesses.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from random import Random
from typing import NamedTuple

from kseg.exploration.sharing import Kind, Place
from kseg.machine.preemption import Preemption

STRATEGIES = {"mix": 10, "shared": 10, "random": 10, "pct": 3, "places": 10}
"""By name: the number of preemptions in a run at most, where nobody says another."""
DEFAULT = "mix"

MOST_PREEMPTIONS = 10_000

LINE = 64
"""Bytes of code that make a place, for `places`."""
REACH = LINE // 4
"""Cycles after one that was looked at, into which a preemption at its place may fall."""

LONGEST_TURN = 1 << 18
"""Busy cycles for which a thread that has got the processor at another's place has it at most,
where another preemption ends its turn."""

TURNS = (
    Kind.LOADS, Kind.LOCKS, Kind.LOADS, "random",
    Kind.LOADS, Kind.LOCKS, Kind.STORES, Kind.LOADS,
    Kind.LOCKS, Kind.OTHERS, Kind.LOADS, "pct",
)  # fmt: skip
"""What `mix` does for twelve seeds in a row: the first preemption at a place of some kind, or
another strategy."""
SHARED_TURNS = tuple(turn for turn in TURNS if isinstance(turn, Kind))


class Look(NamedTuple):
    """What the unperturbed run was doing: after so many busy cycles, a processor was at `pc`."""

    at: int
    processor: int
    pc: int


class Course(NamedTuple):
    """The unperturbed run from the starting point to its end, in busy cycles."""

    begin: int
    length: int
    processors: int
    places: list[list[Look]]
    """Looks at the same line of code, for each line that was seen; only `places` needs them."""
    shared: Sequence[Place] = ()
    """Where threads touch what others touch; only `shared` and `mix` need them."""
    runs: Sequence[Sequence[Preemption]] = ((),)
    """With which preemptions those runs began that `shared` comes of."""

    def of_kind(self, kind: Kind) -> list[Place]:
        """The shared places of a kind."""
        return [place for place in self.shared if place.kind == kind]


class Plan(NamedTuple):
    """What a seed stands for: preemptions, in order, by which strategy they were chosen, and the
    shared place at which the first of them is, if it is at one."""

    preemptions: list[Preemption]
    strategy: str
    place: Place | None = None


class _Numbers:
    """Random numbers, the same in all versions of Python: of its generator, only `random` is."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def below(self, limit: int) -> int:
        return int(self._random.random() * limit)

    def order(self, count: int) -> list[int]:
        """The numbers below `count`, in some order."""
        return [number for _, number in sorted((self._random.random(), n) for n in range(count))]


RUNS = 3
"""Runs that are traced for `shared`: the unperturbed one, and others, in which threads meet that do
not meet there."""


def learning_runs(course: Course, most: int) -> list[list[Preemption]]:
    """The preemptions of the runs that are traced, which leave room for others."""
    few = min(most, STRATEGIES["random"]) // 2
    others = (plan("random", -number, few, course).preemptions for number in range(1, RUNS))
    return [[], *others]


def places(looks: Iterable[Look]) -> list[list[Look]]:
    """Looks, sorted by the line of code that they fall into."""
    found: defaultdict[int, list[Look]] = defaultdict(list)
    for look in looks:
        found[look.pc // LINE].append(look)
    return [found[line] for line in sorted(found)]


def plan(strategy: str, seed: int, most: int, course: Course) -> Plan:
    """What a seed stands for; `most` is how many preemptions there are at most."""
    numbers = _Numbers(seed)
    if strategy in ("mix", "shared"):
        turns = TURNS if strategy == "mix" else SHARED_TURNS
        turn = turns[seed % len(turns)]
        if isinstance(turn, Kind):
            place = _place(turns, seed, course) if most else None
            if place is not None:
                return Plan(_at_place(place, most, course, numbers), "shared", place)
            turn = "random"
        strategy = turn
        most = min(most, STRATEGIES["pct"]) if strategy == "pct" else most
    found = []
    for _ in range(1 + numbers.below(most) if strategy == "pct" else most):
        if strategy == "places" and course.places:
            # Each line of code is as likely as any other, however often it is executed.
            line = course.places[numbers.below(len(course.places))]
            look = line[numbers.below(len(line))]
            found.append(Preemption(look.at + numbers.below(REACH), look.processor))
        else:
            at = course.begin + numbers.below(max(course.length, 1))
            found.append(Preemption(at, numbers.below(course.processors)))
    return Plan(sorted(found), strategy)


def _place(turns: Sequence[Kind | str], seed: int, course: Course) -> Place | None:
    """The shared place that a seed is about. Seeds in a row go through all places of a kind before
    any comes again, in another order each time."""
    wanted = turns[seed % len(turns)]
    assert isinstance(wanted, Kind)
    for kind in (wanted, *Kind):
        candidates = course.of_kind(kind)
        if candidates:
            number = seed // len(turns) * turns.count(wanted)
            number += turns[: seed % len(turns)].count(wanted)
            time, index = divmod(number, len(candidates))
            return candidates[_Numbers(time).order(len(candidates))[index]]
    return None


def _at_place(place: Place, most: int, course: Course, numbers: _Numbers) -> list[Preemption]:
    first = place.points[numbers.below(len(place.points))]
    found = [each for each in course.runs[first.run] if each.at < first.at]
    found.append(Preemption(first.at, first.processor))
    # Whoever has got the processor has it for its whole turn, a part of it, or a moment.
    how_long = numbers.below(3)
    if how_long and len(found) < most:
        longest = LONGEST_TURN if how_long == 1 else 1 << 4 + numbers.below(14)
        found.append(Preemption(first.at + 1 + numbers.below(longest), first.processor))
    end = course.begin + course.length
    while len(found) < most:
        at = first.at + 1 + numbers.below(max(end - first.at, 1))
        found.append(Preemption(at, numbers.below(course.processors)))
    return sorted(found)
