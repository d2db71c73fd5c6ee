"""A guest in all the chosen ways, in rounds.

The first run of each way is for native code to be made and kept, and for exits to be timed; its own
time does not count, unless the way is so slow that it makes no difference. Then each is
measured in every round, and a slowdown is the median of the rounds' ratios (`kseg.bench.samples`).
"""

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kseg.bench.samples import Samples
from kseg.compare.difference import difference
from kseg.compare.run import Finished, Run, run_once
from kseg.compare.ways import Way
from kseg.compare.workload import NotApplicable, Workload
from kseg.errors import KsegError

TIME = "run"
"""What `Samples` calls the one thing that is measured."""

ALONE = 0.5
"""A first run that takes a larger part of the limit counts, and is the only one."""


@dataclass
class Result:
    way: Way
    kernel: str
    """What was booted."""
    run: Run | None = None
    """The first run; None where there was none."""
    reason: str = ""
    """Why there was none, in one line."""
    seconds: list[float] = field(default_factory=list)
    """Of each run that counts."""
    spent: float = 0.0
    """Seconds of all runs."""

    @property
    def name(self) -> str:
        return self.way.name

    @property
    def finished(self) -> bool:
        return self.run is not None and self.run.stop is not None


@dataclass(frozen=True)
class Difference:
    """A way that did something else than another one."""

    way: str
    standard: str
    text: str

    def __str__(self) -> str:
        return f"{self.way} differs from {self.standard}: {self.text}"


@dataclass
class Comparison:
    """All ways, and how they compare."""

    limit: float
    """Seconds that a run was given."""
    results: list[Result]
    samples: Samples = field(default_factory=lambda: Samples("compare", "", "seconds", False))
    differences: list[Difference] = field(default_factory=list)

    @property
    def baseline(self) -> Result | None:
        """What the others are slower than: the fastest that finished on the bare machine; where
        none did, the fastest that finished at all."""
        finished = [each for each in self.results if each.seconds]
        bare = [each for each in finished if each.way.is_bare]
        return min(bare or finished, key=self.median, default=None)

    def median(self, result: Result) -> float:
        return self.samples.median(result.name, TIME)

    def slowdown(self, result: Result) -> float | None:
        """How many times as long as the baseline a way takes; of one that was cut short, the
        least that it may be. None where there is nothing to compare."""
        base = self.baseline
        if base is None or result.run is None:
            return None
        if not result.finished:
            return result.run.seconds / self.median(base)
        return self.samples.speedup(base.name, result.name, TIME)

    def share_done(self, result: Result) -> float | None:
        """What part of the guest's instructions a way that was cut short had executed by then;
        None where it is not known how many there are."""
        base = self.baseline
        if base is None or base.run is None or result.run is None or result.finished:
            return None
        return min(result.run.executed_cycles / max(base.run.executed_cycles, 1), 1.0)


def compare(
    workload: Workload,
    ways: Sequence[Way],
    *,
    rounds: int,
    limit: float,
    finished: Finished,
    say: Callable[[str], None],
) -> Comparison:
    """Do it. `limit` is the host's seconds that a run may take, and from which on a way is not
    measured again; `say` is told what goes on. KsegError where no way can have the guest."""
    results = [Result(way, workload.kernel_for(way)) for way in ways]
    comparison = Comparison(limit, results)
    check = _Check(comparison)

    def run(result: Result, *, timed: bool) -> Run:
        done = run_once(workload, result.way, limit, finished, timed=timed)
        result.spent += done.seconds
        if done.stop is not None:
            check.finished(result.name, done)
        gc.collect()  # machines are large
        return done.without_state()

    for result in results:
        say(f"{result.name}: first run")
        try:
            result.run = run(result, timed=True)
        except NotApplicable as error:
            result.reason = str(error)
            continue
        # The reference engine makes no native code: it is not faster the next time.
        alone = result.way.engine == "reference" or result.run.seconds > ALONE * limit
        if result.finished and alone:
            _count(comparison, result, result.run)
    if all(result.run is None for result in results):
        raise KsegError("; ".join(f"{each.name}: {each.reason}" for each in results))
    for result in results:
        if result.run is not None and not result.finished:
            check.cut_short(result.name, result.run)
    for number in range(1, rounds + 1):
        for result in results:
            if result.run is None or not result.finished or _has_enough(result, number, limit):
                continue
            say(f"{result.name}: round {number} of {rounds}")
            again = run(result, timed=False)
            if again.stop is not None:
                _count(comparison, result, again)
            elif not result.seconds:
                # The limit is a hair's breadth away; it did finish once.
                _count(comparison, result, result.run)
    return comparison


def _has_enough(result: Result, number: int, limit: float) -> bool:
    """Whether a way has taken part in this round already, or another run would take too long."""
    last = result.seconds[-1] if result.seconds else 0.0
    return len(result.seconds) >= number or (last > 0 and result.spent + last > limit)


def _count(comparison: Comparison, result: Result, run: Run) -> None:
    result.seconds.append(run.seconds)
    comparison.samples.add(result.name, TIME, run.seconds)


class _Check:
    """Holds runs against the first of the same kernel that finished; the first of another kernel,
    and what was cut short, against the first that finished at all."""

    def __init__(self, comparison: Comparison) -> None:
        self._differences = comparison.differences
        self._standards: dict[str, tuple[str, Run]] = {}

    def finished(self, name: str, run: Run) -> None:
        """A way came to its end."""
        standard = self._standards.get(run.kernel) or self._any()
        self._standards.setdefault(run.kernel, (name, run))
        self._hold(name, run, standard)

    def cut_short(self, name: str, run: Run) -> None:
        """A way did not, while others may have."""
        self._hold(name, run, self._any())

    def _any(self) -> tuple[str, Run] | None:
        return next(iter(self._standards.values()), None)

    def _hold(self, name: str, run: Run, standard: tuple[str, Run] | None) -> None:
        """Note the first difference of a way."""
        if standard is None or any(each.way == name for each in self._differences):
            return
        text = difference(run, standard[1])
        if text is not None:
            self._differences.append(Difference(name, standard[0], text))
