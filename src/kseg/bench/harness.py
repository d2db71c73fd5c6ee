"""What all workloads share: where they work, how long they may take, the peers, the rounds."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kseg.bench.kseg_peer import Kseg
from kseg.bench.peer import Peer
from kseg.bench.process import MeasureError, Run, run
from kseg.bench.programs import Checksums, DifferentError
from kseg.bench.samples import Samples

MORE = 3
"""How much longer than others the first engine may take."""

ANY_CODE = frozenset(range(256))


@dataclass(frozen=True)
class Effort:
    """How much time the measuring may take."""

    steady_seconds: float
    """Processor time of one run in which a steady rate is measured."""
    rounds: int
    """Rounds of everything, if there is time."""
    budget: float
    """What the seconds that each workload has are multiplied by."""
    longest: float
    """Seconds; a run that would take longer is left out."""
    work: float
    """What the amount of work for the operating system is multiplied by."""


QUICK = Effort(steady_seconds=0.1, rounds=1, budget=0, longest=0.6, work=0.25)
NORMAL = Effort(steady_seconds=0.12, rounds=5, budget=1, longest=0.95, work=1)
FULL = Effort(steady_seconds=1, rounds=5, budget=float("inf"), longest=60, work=5)


@dataclass(frozen=True)
class Speed:
    """A first guess at a peer's speed, from the survey."""

    rounds_per_second: float
    start: float
    """Seconds that its start takes."""

    def seconds(self, rounds: float) -> float:
        """How long a run of so many rounds will take."""
        return self.start + rounds / self.rounds_per_second


@dataclass(frozen=True)
class Counted:
    """What a run of kseg executed, by its own statistics."""

    instructions: int
    engine: dict[str, Any]
    """What the engine says of itself, such as the size of the code that it made; may be empty."""


@dataclass
class Harness:
    """Everything a workload needs."""

    work: Path
    effort: Effort
    rounds: int | None
    """Exactly so many rounds, whatever they take; None: as the effort says."""
    say: Callable[[str], None]
    """Tells the user what goes on."""
    engines: list[Kseg]
    """kseg's engines; the first is the one whose targets are shown."""
    others: list[Peer] = field(default_factory=list)
    speeds: dict[str, Speed] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    """Those that are errors: of kseg itself, and whenever two differ. Who else fails is only left
    out."""
    checksums: Checksums = field(default_factory=Checksums)

    @property
    def cache(self) -> Path:
        """Where kseg keeps code between runs: not the user's, so that all know what is in it."""
        return self.work / "cache"

    @property
    def peers(self) -> list[Peer]:
        return [*self.engines, *self.others]

    def run(
        self,
        command: Sequence[str | Path],
        *,
        directory: Path | None = None,
        terminal: bool = False,
        cache: Path | None = None,
        source: Path | None = None,
        limit: float | None = None,
        accepted: frozenset[int] = frozenset({0}),
    ) -> Run:
        """Run a command in the work directory, killed when it takes far longer than any should."""
        return run(
            command,
            directory or self.work,
            terminal=terminal,
            source=source,
            environment={"KSEG_CACHE_DIR": str(cache or self.cache)},
            limit=limit or 20 + 10 * self.effort.longest,
            accepted=accepted,
        )

    def run_program(
        self,
        peer: Peer,
        program: str,
        rounds: int,
        *,
        cache: Path | None = None,
        limit: float | None = None,
    ) -> Run:
        """Run one of the benchmark programs and check what it computed."""
        command = peer.prepare(program, rounds, self.work)
        done = self.run(command, terminal=peer.terminal, cache=cache, limit=limit)
        self.checksums.check(peer.name, program, rounds, done.output)
        return done

    def count(self, command: Sequence[str | Path], directory: Path | None = None) -> Counted:
        """Run one of kseg's commands and read its statistics."""
        statistics = self.work / "statistics.json"
        statistics.unlink(missing_ok=True)
        with_statistics = [*command[:2], "--stats", statistics, *command[2:]]
        done = self.run(with_statistics, directory=directory, accepted=ANY_CODE)
        try:
            told = json.loads(statistics.read_text())
        except (OSError, ValueError):
            shown = " ".join(map(str, command))
            raise MeasureError(f"`{shown}` wrote no statistics:\n{done.output}") from None
        engine = told.get("engine")
        return Counted(int(told["instructions"]), engine if isinstance(engine, dict) else {})

    def has_time_for(self, peer: Peer, instructions: float, what: str) -> bool:
        """Whether a run of so many instructions is short enough; says so if it is not."""
        expected = self.speeds[peer.name].seconds(instructions / 1e6)
        # Most targets are the first engine's, so it is given more.
        longest = self.effort.longest * (MORE if peer in self.engines[:1] else 1)
        if expected > longest:
            self.leave_out(peer.name, f"{what} would take {expected:.1f} s a run (see --full)")
        return expected <= longest

    def leave_out(self, who: str, why: str) -> None:
        """Say once that a peer does not take part in something, and remember it."""
        message = f"{who}: left out: {why}"
        if message not in self.left_out:
            self.left_out.append(message)
            self.say(message)

    def failed(self, who: str, error: MeasureError) -> None:
        """A peer crashed, hung or computed nonsense."""
        self.leave_out(who, str(error))
        # Where two differ, kseg is either one of them or should have been the first.
        if who.startswith("kseg ") or isinstance(error, DifferentError):
            self.failures.append(f"{who}: {error}")

    def interleave(
        self,
        samples: Samples,
        measure: Mapping[str, Callable[[str], float]],
        things: Sequence[str],
        seconds: float,
    ) -> Samples:
        """Round after round, measure every peer at everything.

        `measure` has, by name, what gives one figure. A peer that fails is out. `seconds` is the
        time there is at normal effort; one round is made in any case.
        """
        present = dict(measure)
        for _ in self._rounds(samples.title, seconds):
            for what in things:
                for who, figure in list(present.items()):
                    try:
                        samples.add(who, what, figure(what))
                    except MeasureError as error:
                        self.failed(who, error)
                        samples.forget(who)
                        del present[who]
        return samples

    def _rounds(self, title: str, seconds: float) -> Iterator[int]:
        began = time.monotonic()
        most = self.rounds or self.effort.rounds
        for number in range(1, most + 1):
            self.say(f"{title}: round {number}")
            yield number
            spent = time.monotonic() - began
            # Another round like those before it would take too long.
            if not self.rounds and spent * (number + 1) / number > seconds * self.effort.budget:
                return
