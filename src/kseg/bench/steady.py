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


def measure_steady(harness: Harness, programs: Sequence[str]) -> Samples:
    """Every peer's rate at each of the programs."""
    samples = Samples("steady", "steady state", "million instructions/s", more_is_better=True)
    samples.instructions = {program: PROGRAMS[program].each for program in programs}
    measure = {peer.name: _rate_of(harness, peer) for peer in harness.peers}
    return harness.interleave(samples, measure, programs, BUDGET)


def _rate_of(harness: Harness, peer: Peer) -> Callable[[str], float]:
    speed = harness.speeds[peer.name]
    most = max(2, int(speed.rounds_per_second * harness.effort.steady_seconds))
    least = max(1, most // FIFTH)
    warm: set[str] = set()

    def rate(program: str) -> float:
        if isinstance(peer, Kseg) and program not in warm:
            # Translated code is kept between runs; from the second run on it is there.
            harness.run_program(peer, program, most)
            warm.add(program)
        short = harness.run_program(peer, program, least).processor_time
        long = harness.run_program(peer, program, most).processor_time
        if long <= short:
            raise MeasureError(f"{program}: {most} rounds are too short to measure")
        return PROGRAMS[program].each * (most - least) / (long - short) / 1e6

    return rate


def code_sizes(harness: Harness, programs: Sequence[str]) -> dict[str, float]:
    """Bytes of machine code for each translated instruction, by program.

    Of kseg's first engine, as far as it translates and says so. Failures are reported and leave
    the program out.
    """
    sizes = {}
    peer = harness.engines[0]
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
