"""Which preemptions a seed stands for.

A plan is a pure function of the strategy, the seed, and the baseline, the unperturbed run. Chances
of finding a race that needs `d` preemptions at particular ones of `k` instructions: about
(preemptions a run / k) to the power of d, as Burckhardt et al. reckon it ("A Randomized Scheduler
with Probabilistic Guarantees of Finding Bugs", ASPLOS 2010). So few preemptions are better only in
that each run is shorter and each failure simpler; and k should count instructions that matter,
which is what `places`, `shared` and `mix` are about.

`shared` goes through the access sites, at which threads touch what others touch (`sharing`) one
after the other, seed for seed: so many seeds see so many of them. Up to that preemption a run is
one in which the site was seen, so that it happens where it is meant to; those that follow it are
guesses.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from random import Random
from typing import NamedTuple

from kseg.exploration.sharing import AccessSite, SiteKind
from kseg.machine.preemption import Preemption

STRATEGIES = {"mix": 10, "shared": 10, "random": 10, "pct": 3, "places": 10}
"""By name: the number of preemptions in a run at most, where no other is asked for."""
DEFAULT = "mix"

MOST_PREEMPTIONS = 10_000

LINE = 64
"""Bytes of code that make a line, for `places`."""
REACH = LINE // 4
"""Cycles after a sample, into which a preemption at its line may fall."""

LONGEST_TURN = 1 << 18
"""Busy cycles for which a thread that has got the processor in place of another has it at most,
where another preemption ends its turn."""

TURNS = (
    SiteKind.LOADS, SiteKind.LOCKS, SiteKind.LOADS, "random",
    SiteKind.LOADS, SiteKind.LOCKS, SiteKind.STORES, SiteKind.LOADS,
    SiteKind.LOCKS, SiteKind.OTHERS, SiteKind.LOADS, "pct",
)  # fmt: skip
"""What `mix` does for twelve seeds in a row: the first preemption at an access site of some kind,
or another strategy."""
SHARED_TURNS = tuple(turn for turn in TURNS if isinstance(turn, SiteKind))


class Sample(NamedTuple):
    """What the unperturbed run was doing: after so many busy cycles, a processor was at `pc`."""

    at: int
    processor: int
    pc: int


class Baseline(NamedTuple):
    """The unperturbed run from the starting point to its end, in busy cycles."""

    begin: int
    length: int
    processors: int
    lines: list[list[Sample]]
    """Samples of the same line of code, for each line that was seen; only `places` needs them."""
    shared: Sequence[AccessSite] = ()
    """Where threads touch what others touch; only `shared` and `mix` need them."""
    runs: Sequence[Sequence[Preemption]] = ((),)
    """With which preemptions those runs began that `shared` comes of."""

    def of_kind(self, kind: SiteKind) -> list[AccessSite]:
        return [site for site in self.shared if site.kind == kind]


class Plan(NamedTuple):
    """What a seed stands for: preemptions, in order, by which strategy they were chosen, and the
    shared site at which the first of them is, if it is at one."""

    preemptions: list[Preemption]
    strategy: str
    site: AccessSite | None = None


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


def learning_runs(baseline: Baseline, most: int) -> list[list[Preemption]]:
    """The preemptions of the runs that are traced, which leave room for others."""
    few = min(most, STRATEGIES["random"]) // 2
    others = (plan("random", -number, few, baseline).preemptions for number in range(1, RUNS))
    return [[], *others]


def by_line(samples: Iterable[Sample]) -> list[list[Sample]]:
    """Samples, sorted by the line of code that they fall into."""
    found: defaultdict[int, list[Sample]] = defaultdict(list)
    for sample in samples:
        found[sample.pc // LINE].append(sample)
    return [found[line] for line in sorted(found)]


def plan(strategy: str, seed: int, most: int, baseline: Baseline) -> Plan:
    """What a seed stands for; `most` is how many preemptions there are at most."""
    numbers = _Numbers(seed)
    if strategy in ("mix", "shared"):
        turns = TURNS if strategy == "mix" else SHARED_TURNS
        turn = turns[seed % len(turns)]
        if isinstance(turn, SiteKind):
            site = _site(turns, seed, baseline) if most else None
            if site is not None:
                return Plan(_at_site(site, most, baseline, numbers), "shared", site)
            turn = "random"
        strategy = turn
        most = min(most, STRATEGIES["pct"]) if strategy == "pct" else most
    found = []
    for _ in range(1 + numbers.below(most) if strategy == "pct" else most):
        if strategy == "places" and baseline.lines:
            # Each line of code is as likely as any other, however often it is executed.
            line = baseline.lines[numbers.below(len(baseline.lines))]
            sample = line[numbers.below(len(line))]
            found.append(Preemption(sample.at + numbers.below(REACH), sample.processor))
        else:
            at = baseline.begin + numbers.below(max(baseline.length, 1))
            found.append(Preemption(at, numbers.below(baseline.processors)))
    return Plan(sorted(found), strategy)


def _site(turns: Sequence[SiteKind | str], seed: int, baseline: Baseline) -> AccessSite | None:
    """The access site that a seed is about. Seeds in a row go through all sites of a kind before
    any comes again, in another order each time."""
    wanted = turns[seed % len(turns)]
    assert isinstance(wanted, SiteKind)
    for kind in (wanted, *SiteKind):
        candidates = baseline.of_kind(kind)
        if candidates:
            number = seed // len(turns) * turns.count(wanted)
            number += turns[: seed % len(turns)].count(wanted)
            time, index = divmod(number, len(candidates))
            return candidates[_Numbers(time).order(len(candidates))[index]]
    return None


def _at_site(
    site: AccessSite, most: int, baseline: Baseline, numbers: _Numbers
) -> list[Preemption]:
    first = site.points[numbers.below(len(site.points))]
    found = [each for each in baseline.runs[first.run] if each.at < first.at]
    found.append(Preemption(first.at, first.processor))
    # The thread that has got the processor has it for its whole turn, a part of it, or a moment.
    how_long = numbers.below(3)
    if how_long and len(found) < most:
        longest = LONGEST_TURN if how_long == 1 else 1 << 4 + numbers.below(14)
        found.append(Preemption(first.at + 1 + numbers.below(longest), first.processor))
    end = baseline.begin + baseline.length
    while len(found) < most:
        at = first.at + 1 + numbers.below(max(end - first.at, 1))
        found.append(Preemption(at, numbers.below(baseline.processors)))
    return sorted(found)
