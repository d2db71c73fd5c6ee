"""Which preemptions a seed stands for.

A plan is a pure function of the strategy, the seed, and the course of the unperturbed run. Chances
of finding a race that needs `d` preemptions at particular ones of `k` instructions: about
(preemptions a run / k) to the power of d, as Burckhardt et al. reckon it ("A Randomized Scheduler
with Probabilistic Guarantees of Finding Bugs", ASPLOS 2010). So few preemptions are better only in
that each run is shorter and each failure simpler; and k should count instructions that matter,
which is what `places` is about.
"""

from collections import defaultdict
from collections.abc import Iterable
from random import Random
from typing import NamedTuple

from kseg.machine.preemption import Preemption

STRATEGIES = {"random": 10, "pct": 3, "places": 10}
"""By name: the number of preemptions in a run, where nobody says another."""

MOST_PREEMPTIONS = 10_000

LINE = 64
"""Bytes of code that make a place, for `places`."""
REACH = LINE // 4
"""Cycles after one that was looked at, into which a preemption at its place may fall."""


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


def places(looks: Iterable[Look]) -> list[list[Look]]:
    """Looks, sorted by the line of code that they fall into."""
    found: defaultdict[int, list[Look]] = defaultdict(list)
    for look in looks:
        found[look.pc // LINE].append(look)
    return [found[line] for line in sorted(found)]


def plan(strategy: str, seed: int, most: int, course: Course) -> list[Preemption]:
    """The preemptions of a seed, in order; `most` is how many there are at most."""
    # Of Python's generator, `random` alone gives the same in all versions.
    numbers = Random(seed)

    def below(limit: int) -> int:
        return int(numbers.random() * limit)

    count = 1 + below(most) if strategy == "pct" else most
    found = []
    for _ in range(count):
        if strategy == "places" and course.places:
            # Each line of code is as likely as any other, however often it is executed.
            line = course.places[below(len(course.places))]
            look = line[below(len(line))]
            found.append(Preemption(look.at + below(REACH), look.processor))
        else:
            at = course.begin + below(max(course.length, 1))
            found.append(Preemption(at, below(course.processors)))
    return sorted(found)
