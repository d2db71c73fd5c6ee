"""Work for an operating system: cms making system calls, page faults, processes, switches.

Measured is the processor time of the whole process and of all that it starts, boot included.
System/161 boots the same kernel and executes the same instructions.
"""

from collections.abc import Callable, Mapping

from kseg.bench.day import cms_command
from kseg.bench.harness import Harness
from kseg.bench.kseg_peer import Kseg
from kseg.bench.others import System161
from kseg.bench.process import MeasureError
from kseg.bench.samples import Samples

BUDGET = 16
"""Seconds at normal effort."""

COMMANDS = {
    "syscalls": 460_000,
    "faults": 38_000,
    "misses": 2_000_000,
    "spawn": 1_750,
    "switches": 218_000,
}
"""Programs of cms, and how often they do what they are called after at normal effort."""

INSTRUCTIONS = 100_000_000
"""What each of them takes at normal effort, about; misses take half of it."""


def measure_operating_system(harness: Harness) -> Samples:
    """The times of every peer that can boot cms."""
    samples = Samples(
        "os", "work for cms, whole process", "seconds of processor time", more_is_better=False
    )
    times = {name: max(1, int(count * harness.effort.work)) for name, count in COMMANDS.items()}
    lines = {name: f"limit 0; {name} {count}; halt" for name, count in times.items()}

    def timed(peer: Kseg | System161) -> Callable[[str], float]:
        def seconds(name: str) -> float:
            done = harness.run(cms_command(harness, peer, lines[name]))
            if f"{name} {times[name]}: done" not in done.output:
                raise MeasureError(f"cms did not get `{lines[name]}` done:\n{done.output}")
            return done.processor_time

        return seconds

    present = {
        peer.name: timed(peer)
        for peer in harness.peers
        if isinstance(peer, Kseg | System161)
        and harness.has_time_for(peer, INSTRUCTIONS * harness.effort.work, "work for cms")
    }
    harness.interleave(samples, present, list(lines), BUDGET)
    for peer in harness.engines:
        if peer.name in samples.cells:
            samples.instructions = _counts(harness, peer, lines)
            break
    return samples


def _counts(harness: Harness, peer: Kseg, lines: Mapping[str, str]) -> dict[str, int]:
    """How many instructions each of the boot strings takes, as far as it works."""
    counts = {}
    for name, line in lines.items():
        try:
            counts[name] = harness.count(cms_command(harness, peer, line)).instructions
        except MeasureError as error:
            harness.failed(peer.name, error)
    return counts
