"""What kseg is meant to reach, and whether it does here. It is said and never enforced."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from kseg.bench.os161 import LONG_ENOUGH
from kseg.bench.samples import Samples, geometric_mean
from kseg.bench.short import FIRST

INTERPRETER = "kseg interpreter"
"""The engine that a day's runs are compared with."""


@dataclass(frozen=True)
class Target:
    """A figure, what it must be and what it is hoped to be."""

    figure: str
    must: float
    aim: float
    measured: float | None
    at_least: bool = True
    """Whether more is better."""

    @property
    def verdict(self) -> str:
        """In a word or two."""
        if self.measured is None:
            return "not measured"
        if self._reaches(self.aim):
            return "met, aim too"
        return "met" if self._reaches(self.must) else "MISSED"

    def _reaches(self, bound: float) -> bool:
        assert self.measured is not None
        return self.measured >= bound if self.at_least else self.measured <= bound

    def as_data(self) -> dict[str, Any]:
        return {**asdict(self), "verdict": self.verdict}


def targets(
    kseg: str, workloads: Sequence[Samples], code_sizes: Mapping[str, float]
) -> list[Target]:
    """All targets, with what the engine called `kseg` has reached in these workloads."""
    by_key = {samples.key: samples for samples in workloads}

    def speedup(workload: str, ours: str, theirs: str) -> float | None:
        samples = by_key.get(workload)
        return samples.mean_speedup(ours, theirs) if samples else None

    native = speedup("steady", "native", kseg)
    warm = speedup("short 1 G", kseg, "qemu-user")
    # An engine that keeps no code has no first time of its own: it is always the first.
    first = speedup("short 1 G", kseg + FIRST, "qemu-user") or warm
    day = speedup("day", kseg, INTERPRETER) if kseg != INTERPRETER else None
    size = geometric_mean(code_sizes.values()) if code_sizes else None
    return [
        Target("steady state, times qemu-user", 1.5, 2.0, speedup("steady", kseg, "qemu-user")),
        Target("steady state, slowdown against native", 2.6, 1.6, native, at_least=False),
        Target("1 G instructions, first time, times qemu-user", 0.7, 1.0, first),
        Target("1 G instructions, code cache warm, times qemu-user", 1.0, 1.4, warm),
        Target("a day's runs, third time, times the interpreter", 1.0, 1.5, day),
        Target(
            "a day's runs, third time, times system161",
            3.0,
            10.0,
            speedup("day", kseg, "system161"),
        ),
        Target(
            "steady state in kseg0, times gxemul", 12.0, 17.0, speedup("steady", kseg, "gxemul")
        ),
        Target(
            "OS/161, 100 M instructions or more, times system161", 8.0, 20.0, _os161(by_key, kseg)
        ),
        Target("code, bytes per translated instruction", 120.0, 80.0, size, at_least=False),
    ]


def _os161(by_key: Mapping[str, Samples], kseg: str) -> float | None:
    """Over the long workloads alone."""
    samples = by_key.get("os161")
    if samples is None or not {kseg, "system161"} <= samples.cells.keys():
        return None
    long = [what for what, count in samples.instructions.items() if count >= LONG_ENOUGH]
    if not long:
        return None
    return geometric_mean(samples.speedup(kseg, "system161", what) for what in long)
