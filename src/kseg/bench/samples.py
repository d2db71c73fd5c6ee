"""What was measured, and how two peers compare.

A computer is busy with something else now and then, or changes its clock. So every peer is measured
in every round, ratios are taken within a round, and of these the median: what happens to the
computer then happens to both.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median
from typing import Any


@dataclass
class Samples:
    """One workload's figures: a list by peer and program, one entry a round."""

    key: str
    title: str
    unit: str
    more_is_better: bool
    instructions: dict[str, int] = field(default_factory=dict)
    """How many instructions each of the things takes, where that is known."""
    cells: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def add(self, who: str, what: str, value: float) -> None:
        self.cells.setdefault(who, {}).setdefault(what, []).append(value)

    def forget(self, who: str) -> None:
        """A peer has failed: nothing that it did counts."""
        self.cells.pop(who, None)

    @property
    def things(self) -> list[str]:
        """What was measured, in the order in which it first was."""
        return list(dict.fromkeys(what for row in self.cells.values() for what in row))

    def median(self, who: str, what: str) -> float:
        return median(self.cells[who][what])

    def mean(self, who: str) -> float:
        """The geometric mean of the medians."""
        return geometric_mean(self.median(who, what) for what in self.cells[who])

    def speedup(self, ours: str, theirs: str, what: str) -> float:
        """How many times as fast `ours` is: the median of the rounds' ratios."""
        pairs = zip(self.cells[ours][what], self.cells[theirs][what], strict=False)
        if self.more_is_better:
            return median(our / their for our, their in pairs)
        return median(their / our for our, their in pairs)

    def mean_speedup(self, ours: str, theirs: str) -> float | None:
        """The geometric mean over everything that both did; None where there is nothing."""
        both = [what for what in self.cells.get(ours, {}) if what in self.cells.get(theirs, {})]
        return geometric_mean(self.speedup(ours, theirs, what) for what in both) if both else None

    def as_data(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "title": self.title,
            "unit": self.unit,
            "more_is_better": self.more_is_better,
            "instructions": self.instructions,
            "samples": self.cells,
            "medians": {
                who: {what: self.median(who, what) for what in row}
                for who, row in self.cells.items()
            },
        }


def geometric_mean(numbers: Iterable[float]) -> float:
    """The mean for ratios: 2 and 1/2 give 1."""
    logarithms = [math.log(number) for number in numbers]
    return math.exp(sum(logarithms) / len(logarithms))
