"""What an exploration has found."""

from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

import msgspec

from kseg.exploration.sharing import AccessSite
from kseg.exploration.trial import Outcome
from kseg.machine.preemption import Preemption

LOST = "lost"
"""The ending of a seed whose process died, or could not go on: it is kseg that failed there."""


class Trial(msgspec.Struct, frozen=True):
    seed: int
    plan: list[Preemption]
    outcome: Outcome
    kept: Path | None = None
    """The snapshot with which it can be run again, if it failed."""
    shrunk_from: int | None = None
    """How many preemptions there were, if `plan` is a smaller one with the same ending."""
    strategy: str = ""
    """By which the preemptions were chosen."""
    place: int | None = None
    """Which of the report's access sites the first of them was meant for."""

    @property
    def failed(self) -> bool:
        return not self.outcome.passed


class Group(NamedTuple):
    """Seeds whose runs ended alike, one of them to look at, and how many there are."""

    size: int
    outcome: Outcome
    seed: int


class Coverage(NamedTuple):
    """What was tried: seeds by strategy; runs whose preemptions struck in different ways
    (`schedules`); different instructions before which they struck (`points`); and of the sites
    that are known, and of the pairs of threads that meet there, how many got a preemption."""

    strategies: dict[str, int]
    schedules: int
    points: int
    places: int
    known_places: int
    pairs: int
    known_pairs: int


class Report:
    """Trials by seed; `unperturbed` is the run without preemptions."""

    def __init__(self, unperturbed: Outcome, strategy: str, preemptions: int) -> None:
        self.unperturbed = unperturbed
        self.strategy = strategy
        self.preemptions = preemptions
        self.places: list[AccessSite] = []
        """Where threads touch what others touch, as far as the strategy had to know."""
        self._trials: dict[int, Trial] = {}
        self.elapsed = 0.0
        """Seconds of the host's time that the seeds took, without shrinking."""

    def add(self, trial: Trial) -> None:
        """Take the run of a seed, or a better one."""
        self._trials[trial.seed] = trial

    @property
    def trials(self) -> list[Trial]:
        """In the order of the seeds."""
        return [self._trials[seed] for seed in sorted(self._trials)]

    @property
    def failures(self) -> list[Trial]:
        return [trial for trial in self.trials if trial.failed]

    @property
    def groups(self) -> list[Group]:
        """Outcomes that differ, the most frequent first."""
        alike: defaultdict[tuple[str, int | None, str], list[Trial]] = defaultdict(list)
        for trial in self.trials:
            alike[trial.outcome.kind].append(trial)
        groups = [Group(len(same), same[0].outcome, same[0].seed) for same in alike.values()]
        return sorted(groups, key=lambda group: (-group.size, group.seed))

    @property
    def coverage(self) -> Coverage:
        trials = self.trials
        struck = [trial.outcome.struck for trial in trials]
        met = {trial.place for trial in trials if trial.place is not None}
        return Coverage(
            strategies=dict(Counter(trial.strategy for trial in trials)),
            schedules=len({tuple((each.cycle, each.pc) for each in run) for run in struck}),
            points=len({each.pc for run in struck for each in run}),
            places=len(met),
            known_places=len(self.places),
            pairs=len({pair for number in met for pair in self.places[number].threads}),
            known_pairs=len({pair for place in self.places for pair in place.threads}),
        )

    @property
    def had_effect(self) -> bool:
        return any(trial.outcome.struck for trial in self._trials.values())
