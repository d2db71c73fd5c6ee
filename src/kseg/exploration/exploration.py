"""Many runs of a guest from one state, each with preemptions of its own."""

import re
import time
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path

import msgspec

from kseg import checks
from kseg import engine as engines
from kseg.api.machine import Machine
from kseg.api.options import choice
from kseg.errors import ConfigurationError, KsegError, LogError, StateError
from kseg.exploration.messages import Job, Task
from kseg.exploration.observation import samples, shared_sites
from kseg.exploration.plans import (
    DEFAULT,
    MOST_PREEMPTIONS,
    STRATEGIES,
    Baseline,
    Plan,
    by_line,
    learning_runs,
    plan,
)
from kseg.exploration.pool import Done, Pool
from kseg.exploration.report import LOST, Report, Trial
from kseg.exploration.start import DIRECTORY, Start
from kseg.exploration.trial import HANGS, PASSED, REJECTED, RUNS_ON, Goal, Outcome, Trials
from kseg.machine.preemption import Preemption
from kseg.monitor.stop import StopReason
from kseg.platform import processors

MOST_SEED, MOST_JOBS = 1 << 40, 1024

PATIENCE = 4
SPARE_SECONDS = 5.0
"""Where no limit is set, runs have so many times the virtual seconds of the unperturbed one,
and so many more."""


class UnperturbedFailure(KsegError):
    """The guest fails without preemptions too."""

    exit_code = 1


class Exploration:
    """Runs a guest from a starting point: first unperturbed, to see that it passes and how long
    that takes, then with the preemptions of seeds, in other processes."""

    def __init__(
        self,
        start: Start,
        goal: Goal,
        *,
        strategy: str = DEFAULT,
        preemptions: int | None = None,
        limited: bool = False,
        engine: str = engines.AUTOMATIC,
        jobs: int | None = None,
        keep: str | Path = DIRECTORY,
        shrink: bool = False,
        command: Sequence[str] | None = None,
    ) -> None:
        """The arguments are those of `explore`; `limited` says that the goal's seconds are a limit
        that was asked for. UnperturbedFailure where the guest does not pass anyway."""
        strategy = choice("strategy", strategy, tuple(STRATEGIES))
        most = STRATEGIES[strategy] if preemptions is None else preemptions
        if not 0 <= most <= MOST_PREEMPTIONS:
            raise ConfigurationError(
                f"{most} preemptions: a run can have from 0 to {MOST_PREEMPTIONS}"
            )
        self._start = start
        self._keep = Path(keep)
        self._shrink = shrink
        self._shrunk: set[tuple[str, int | None, str]] = set()
        trials = Trials(start.machine, goal)
        unperturbed = trials.run([])
        if not unperturbed.passed:
            raise UnperturbedFailure(_complaint(goal, unperturbed))
        if not limited:
            seconds = PATIENCE * unperturbed.seconds + SPARE_SECONDS
            goal = msgspec.structs.replace(goal, seconds=seconds)
        self.goal = goal
        self.report = Report(unperturbed, strategy, most)
        length = unperturbed.busy_cycles
        baseline = Baseline(
            begin=start.machine.busy_cycles,
            length=length,
            processors=len(start.machine.board.processors),
            lines=by_line(samples(start.machine, length) if strategy == "places" else []),
        )
        if strategy in ("mix", "shared") and most > 0:
            runs = learning_runs(baseline, most)
            shared = shared_sites(start.machine, length, runs)
            baseline = baseline._replace(shared=shared, runs=runs)
        self._baseline = baseline
        self.report.places = list(baseline.shared)
        self._unkept: StateError | None = None
        """Why a failure could not be kept."""
        self._pool = Pool(
            Task(str(start.snapshot), engine, goal),
            jobs or processors.usable(),
            None if command is None else list(command),
        )

    def plan(self, seed: int) -> Plan:
        return plan(self.report.strategy, seed, self.report.preemptions, self._baseline)

    def run(self, seeds: Iterable[int]) -> Generator[Trial, None, None]:
        """Run seeds, and give each one's trial as it comes, which is in the report then; those that
        failed are kept. A seed whose plan has been shrunk comes a second time. Close what this
        returns to end at once. StateError when a failure cannot be kept."""
        started = time.monotonic()
        waiting = iter(seeds)
        later: deque[Job] = deque()
        try:
            more = True
            while more or later or self._pool.pending:
                while self._pool.has_room and (more or later):
                    if later:
                        self._pool.submit(later.popleft())
                        continue
                    seed = next(waiting, None)
                    if seed is None:
                        more = False
                    else:
                        self._pool.submit(Job(seed, self.plan(seed).preemptions))
                for done in self._pool.collect():
                    trial = self._trial(done)
                    if trial is None:
                        continue
                    self.report.add(trial)
                    if not done.job.ending and self._unkept is None:
                        self.report.elapsed = time.monotonic() - started
                        if self._is_to_be_shrunk(trial):
                            later.append(Job(trial.seed, trial.plan, trial.outcome.ending))
                    yield trial
                    if self._unkept is not None:
                        raise self._unkept
        finally:
            self._pool.close()

    def _trial(self, done: Done) -> Trial | None:
        """What a worker's answer comes to; None for an attempt to shrink that has failed."""
        job, answer = done
        shrunk_from = None
        if job.ending:
            if answer.outcome is None or answer.outcome.ending != job.ending:
                return None
            shrunk_from = len(job.plan)
        outcome = answer.outcome or Outcome(LOST, message=answer.error)
        plan, kept = answer.plan or job.plan, None
        if not outcome.passed:
            try:
                kept = self._kept(job.seed, plan, lost=answer.outcome is None)
            except (LogError, StateError) as error:
                self._unkept = StateError(
                    f"seed {job.seed} fails ({outcome.ending}), but: {error}; no more were tried"
                )
        meant = self.plan(job.seed)
        place = None if meant.site is None else self._baseline.shared.index(meant.site)
        return Trial(job.seed, plan, outcome, kept, shrunk_from, meant.strategy, place)

    def _kept(self, seed: int, plan: list[Preemption], *, lost: bool) -> Path:
        """Keep a failure, by running it once more."""
        if lost:
            return self._start.keep_plan(seed, plan, self._keep)
        trials = Trials(self._start.machine, self.goal)

        def record(path: Path) -> None:
            trials.run(plan, path)

        return self._start.keep(seed, plan, self._keep, record)

    def _is_to_be_shrunk(self, trial: Trial) -> bool:
        """Whether this is the first failure of its kind."""
        kind = trial.outcome.kind
        if not self._shrink or trial.outcome.ending in (PASSED, LOST) or kind in self._shrunk:
            return False
        self._shrunk.add(kind)
        return True

    def replay(self, trial: Trial) -> str:
        """The command that runs a failure again that was kept."""
        return "" if trial.kept is None else self._start.replay(trial.kept)


def _complaint(goal: Goal, outcome: Outcome) -> str:
    what = f"prints {goal.reject!r}" if outcome.ending == REJECTED else f"ends ({outcome.ending})"
    line = f"; its last line: {outcome.last_line!r}" if outcome.last_line else ""
    before = "without switching off" if goal.expect is None else f"before it prints {goal.expect!r}"
    advice = ""
    if outcome.finding:
        advice = f"; {outcome.finding}"
    elif goal.expect is None and outcome.ending in (HANGS, RUNS_ON, StopReason.IDLE):
        advice = "; say with --expect what it prints when all is well, or let it switch off"
    return (
        f"without preemptions too, the guest {what} {before}"
        f" ({outcome.seconds:.3f} virtual seconds{line}){advice}"
    )


def explore(
    machine: Machine,
    seeds: int | Iterable[int],
    *,
    expect: str | None = None,
    reject: str | None = None,
    regular: bool = False,
    strategy: str = DEFAULT,
    preemptions: int | None = None,
    seconds: float | None = None,
    engine: str = engines.AUTOMATIC,
    jobs: int | None = None,
    keep: str | Path = DIRECTORY,
    shrink: bool = False,
) -> Report:
    """Run a guest again and again from where `machine` is, each time with other moments at which
    its timer interrupts, and report which runs fail.

    `seeds` are that many, from 1 on, or the numbers themselves. A run passes when the guest prints
    `expect` before it prints `reject`, ends, or has run for so many virtual `seconds` (default:
    four times what it takes unperturbed, and five more); with `regular`, both are regular
    expressions. Without `expect`, a run passes when the guest switches off, and not in a panic.
    `strategy` is one of `STRATEGIES`, `preemptions` how many a run has at most, `jobs` how many
    processes run at a time (default: one for each of the host's processors). Failures are kept in
    the directory `keep`, which is made when there is one. With `shrink`, the plan of the first
    failure of each kind is made as small as can be.

    `machine` stays where it is. Its disk images must be overlays: ConfigurationError otherwise.
    UnperturbedFailure when the guest fails anyway, StateError when a failure cannot be kept.
    """
    numbers = _numbers(seeds)
    goal = _goal(expect, reject, regular, seconds)
    engine = choice("engine", engine, engines.CHOICES)
    keep = checks.path("keep", keep)
    shrink = checks.flag("shrink", shrink)
    if preemptions is not None:
        preemptions = checks.whole("preemptions", preemptions, 0, MOST_PREEMPTIONS)
    if jobs is not None:
        jobs = checks.whole("jobs", jobs, 1, MOST_JOBS)
    if not isinstance(machine, Machine):
        raise checks.wrong("machine", machine, "a Machine")
    with Start(machine, engine) as start:
        exploration = Exploration(
            start,
            goal,
            strategy=strategy,
            preemptions=preemptions,
            limited=seconds is not None,
            engine=engine,
            jobs=jobs,
            keep=keep,
            shrink=shrink,
        )
        for _ in exploration.run(numbers):
            pass
        return exploration.report


def _numbers(seeds: int | Iterable[int]) -> Iterable[int]:
    if isinstance(seeds, int):
        return range(1, checks.whole("seeds", seeds, 0, MOST_SEED) + 1)
    given = checks.several("seeds", seeds, "how many, or a list of numbers")
    return [checks.whole("seeds", seed, 0, MOST_SEED) for seed in given]


def _goal(expect: str | None, reject: str | None, regular: bool, seconds: float | None) -> Goal:
    """When a run has passed; ArgumentError when that makes no sense."""
    given = {"expect": expect, "reject": reject}
    texts = {name: checks.text(name, text) for name, text in given.items() if text is not None}
    if checks.flag("regular", regular):
        for name, text in texts.items():
            try:
                re.compile(text)
            except re.error as error:
                raise checks.ArgumentError(f"{name} {checks.shown(text)}: {error}") from None
    goal = Goal(expect, reject, regular)
    if seconds is None:
        return goal
    if checks.seconds("seconds", seconds) == 0:
        raise checks.wrong("seconds", seconds, "more than 0")
    return msgspec.structs.replace(goal, seconds=float(seconds))
