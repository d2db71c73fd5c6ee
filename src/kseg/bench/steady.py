"""Steady state: instructions a second, starting up not counted.

A rate is taken between two runs, a long one and a fifth of it, so that what happens before and
after the program's work does not count, nor the translation of code that has become hot by then.
What is taken is processor time: the clock on the wall also counts what other programs do. The
number of instructions is kseg's count, for every peer; native code is rated as if it had executed
them.
"""

from collections.abc import Callable, Sequence

from kseg.bench.harness import Harness
from kseg.bench.kseg_peer import Kseg
from kseg.bench.peer import Peer
from kseg.bench.process import MeasureError
from kseg.bench.programs import PROGRAMS
from kseg.bench.samples import Samples

BUDGET = 38
"""Seconds at normal effort."""

FIFTH = 5
MOST_DOUBLINGS = 6
"""Of the rounds that a speed without translations would allow."""


def measure_steady(harness: Harness, programs: Sequence[str]) -> Samples:
    """Every peer's rate at each of the programs."""
    samples = Samples("steady", "steady state", "million instructions/s", more_is_better=True)
    samples.instructions = {program: PROGRAMS[program].each for program in programs}
    measure = {peer.name: _rate_of(harness, peer) for peer in harness.peers}
    return harness.interleave(samples, measure, programs, BUDGET)


def _rate_of(harness: Harness, peer: Peer) -> Callable[[str], float]:
    speed = harness.speeds[peer.name]
    if isinstance(peer, Kseg):
        peer = peer.in_a_hurry()
    seconds = harness.effort.steady_seconds
    usual = max(2, int(speed.rounds_per_second * seconds))
    lengths: dict[str, int] = {}

    def length_for(program: str) -> int:
        """Rounds of a long run."""
        most = usual
        if isinstance(peer, Kseg):
            # Translated code is kept between runs; from the second run on it is there, and more
            # rounds go into the same time.
            harness.run_program(peer, program, most)
            for _ in range(MOST_DOUBLINGS):
                if more_in(program, most) >= seconds:
                    break
                most *= 2
        return most

    def more_in(program: str, most: int) -> float:
        """The processor time that a long run takes more than a short one."""
        short = harness.run_program(peer, program, max(1, most // FIFTH)).processor_time
        return harness.run_program(peer, program, most).processor_time - short

    def rate(program: str) -> float:
        if program not in lengths:
            lengths[program] = length_for(program)
        most = lengths[program]
        least = max(1, most // FIFTH)
        more = more_in(program, most)
        if more <= 0:
            raise MeasureError(f"{program}: {most} rounds are too short to measure")
        return PROGRAMS[program].each * (most - least) / more / 1e6

    return rate


def code_sizes(harness: Harness, programs: Sequence[str]) -> dict[str, float]:
    """Bytes of machine code for each translated instruction, by program.

    Of kseg's first engine, as far as it translates and says so. Failures are reported and leave
    the program out.
    """
    sizes = {}
    peer = harness.engines[0].in_a_hurry()
    for program in programs:
        rounds = max(1, int(harness.speeds[peer.name].rounds_per_second / 20))
        try:
            engine = harness.count(peer.prepare(program, rounds, harness.work)).engine
        except MeasureError as error:
            harness.failed(peer.name, error)
            continue
        if engine.get("translated_instructions"):
            sizes[program] = engine["code_bytes"] / engine["translated_instructions"]
    return sizes
