"""Instructions per second of a benchmark program, under several peers in turn.

A rate is taken between two runs, one long and one of a single round, so that what happens
before and after the program's work does not count: neither a peer's start nor the program's own
preparation. The number of instructions is kseg's count, for everybody; native code is rated as if
it had executed them.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from measure import MeasureError, Run, median_ratio, run
from peers import Kseg, Peer

SHORT = 1
"""Rounds of the run that a long one is compared with."""


class Rates:
    """The rates of some peers at one program, in instructions a second."""

    def __init__(self, program: str, instructions_per_round: float) -> None:
        self.program = program
        self.instructions_per_round = instructions_per_round
        self.rates: dict[str, list[float]] = {}

    def add(self, peer: str, rate: float) -> None:
        self.rates.setdefault(peer, []).append(rate)

    def rate(self, peer: str) -> float:
        return median(self.rates[peer])

    def ratio(self, ours: str, theirs: str) -> float:
        return median_ratio(self.rates[ours], self.rates[theirs])


class Checksums:
    """What the programs computed; everybody must compute the same."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, int], tuple[str, str]] = {}

    def check(self, peer: Peer, program: str, rounds: int, output: str) -> None:
        found = re.search(rf"^{program} {rounds} ([0-9a-f]{{8}})$", output, re.MULTILINE)
        if found is None:
            raise MeasureError(f"{peer.name}: {program} printed no checksum:\n{output}")
        first, checksum = self._first.setdefault((program, rounds), (peer.name, found[1]))
        if checksum != found[1]:
            both = f"{checksum} under {first}, {found[1]} under {peer.name}"
            raise MeasureError(f"{program}, {rounds} rounds: {both}")


def measure_rates(
    program: str,
    kseg: Kseg,
    peers: Sequence[Peer],
    *,
    rounds: int,
    repeat: int,
    work: Path,
    checksums: Checksums,
) -> Rates:
    """Run `program` under every peer in turn, `repeat` times over."""

    def timed(peer: Peer, count: int) -> Run:
        done = run(peer.prepare(program, count, work), work, terminal=peer.terminal)
        checksums.check(peer, program, count, done.output)
        return done

    # The first run of anything also fills caches.
    for peer in peers:
        timed(peer, SHORT)
    long, short = (kseg.count_instructions(program, count, work) for count in (rounds, SHORT))
    rates = Rates(program, (long - short) / (rounds - SHORT))
    for _ in range(repeat):
        for peer in peers:
            count = rounds * peer.pace
            least = timed(peer, SHORT).processor_time
            most = timed(peer, count).processor_time
            if most <= least:
                print(f"{peer.name}: {program}: too short to measure", file=sys.stderr)
                most = least + 1e-3
            instructions = rates.instructions_per_round * (count - SHORT)
            rates.add(peer.name, instructions / (most - least))
    return rates
