"""What `kseg explore` shows: failures as they come, and a summary; or all figures."""

import json
import shlex
import sys

import click
import msgspec

from kseg.cli.output import one_line
from kseg.exploration.exploration import Exploration
from kseg.exploration.report import Coverage, Report, Trial
from kseg.exploration.start import LOG_SUFFIX
from kseg.exploration.trial import PANICKED, PASSED, Outcome
from kseg.monitor.stop import StopReason

MOST_GROUPS = 12
"""Outcomes that a summary names."""


class Screen:
    """What comes of it, as it comes."""

    def __init__(self, seeds: int, *, quiet: bool) -> None:
        self._seeds = seeds
        self._quiet = quiet
        self._progress = sys.stderr.isatty()
        self._done: set[int] = set()
        self._failed: set[int] = set()

    def began(self, exploration: Exploration) -> None:
        unperturbed = exploration.report.unperturbed
        self._say(
            f"unperturbed: passes after {unperturbed.seconds:.6f} s,"
            f" {unperturbed.busy_cycles} busy cycles"
        )

    def show(self, exploration: Exploration, trial: Trial) -> None:
        self._done.add(trial.seed)
        if trial.failed:
            self._failed.add(trial.seed)
            for line in describe(trial):
                self._say(line)
            self._say(f"  {exploration.replay(trial)}")
        if self._progress:
            done, failed = len(self._done), len(self._failed)
            click.echo(f"\r{done}/{self._seeds} seeds, {failed} failed", nl=False, err=True)

    def _say(self, text: str) -> None:
        self._clear()
        if not self._quiet:
            click.echo(one_line(text))

    def _clear(self) -> None:
        if self._progress:
            click.echo("\r\x1b[K", nl=False, err=True)

    def finish(self, report: Report) -> None:
        """The summary."""
        count, failed = len(report.trials), len(report.failures)
        rate = count / report.elapsed if report.elapsed else 0.0
        self._say(
            f"{count} seeds ({report.strategy}, {report.preemptions} preemptions), {failed} failed;"
            f" {rate:.1f} seeds/s"
        )
        for line in covered(report.coverage):
            self._say(line)
        groups = report.groups
        for group in groups[:MOST_GROUPS]:
            end = how(group.outcome)
            self._say(f"{group.size:8}  {end}  (seed {group.seed})")
        if len(groups) > MOST_GROUPS:
            rest = sum(group.size for group in groups[MOST_GROUPS:])
            self._say(f"{rest:8}  in {len(groups) - MOST_GROUPS} other ways")
        for line in next_steps(report):
            self._say(line)


def next_steps(report: Report) -> list[str]:
    """What to do with the first failure, in lines; nothing where none was kept as a log."""
    kept = (trial.kept for trial in report.failures if trial.kept is not None)
    log = next((shlex.quote(str(path)) for path in kept if path.suffix == LOG_SUFFIX), None)
    if log is None:
        return []
    return [
        "to see a failure again, and to look at it forwards and backwards with GDB:",
        f"  kseg replay {log}",
        f"  kseg replay --gdb socket {log}",
        "  gdb-multiarch -ex 'target remote socket'      # in another terminal",
    ]


def covered(coverage: Coverage) -> list[str]:
    """What was tried, in lines."""
    by = ", ".join(f"{name} {count}" for name, count in coverage.strategies.items())
    first = (
        f"covered: {coverage.schedules} different schedules, preemptions before"
        f" {coverage.points} different instructions; seeds by strategy: {by}"
    )
    lines = [first]
    if coverage.known_places:
        lines.append(
            f"  {coverage.places} of {coverage.known_places} places where threads touch what others"
            f" touch, {coverage.pairs} of {coverage.known_pairs} pairs of threads"
        )
    return lines


def how(outcome: Outcome) -> str:
    """How a run ended, in a line."""
    code = f", exit code {outcome.exit_code}" if outcome.exit_code else ""
    plain = outcome.ending in (PASSED, PANICKED, StopReason.POWER_OFF) or not outcome.message
    message = "" if plain else f" ({outcome.message})"
    if outcome.finding:
        message = f" ({outcome.finding})"
    line = f": {outcome.last_line}" if outcome.last_line else ""
    return f"{outcome.ending}{code}{message}{line}"


def describe(trial: Trial) -> list[str]:
    """A failure in lines: how it ended and, where the plan has been made small, what is in it."""
    if trial.shrunk_from is None:
        return [f"seed {trial.seed}: {how(trial.outcome)}"]
    fewer = f"{len(trial.plan)} of {trial.shrunk_from} preemptions"
    lines = [f"seed {trial.seed}: the same with {fewer}: {how(trial.outcome)}"]
    lines += [
        f"  in cycle {struck.cycle}, on processor {struck.processor} before pc {struck.pc:#010x}"
        for struck in trial.outcome.struck
    ]
    return lines


def as_data(report: Report) -> str:
    """All figures as JSON."""
    data = {
        "strategy": report.strategy,
        "preemptions": report.preemptions,
        "elapsed": report.elapsed,
        "coverage": report.coverage._asdict(),
        "unperturbed": msgspec.to_builtins(report.unperturbed),
        "trials": [
            {**msgspec.to_builtins(trial, enc_hook=str), "failed": trial.failed}
            for trial in report.trials
        ],
    }
    return json.dumps(data, indent=2)
