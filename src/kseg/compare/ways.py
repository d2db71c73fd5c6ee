"""The configurations that are compared; to the user they are ways to run a guest."""

from dataclasses import dataclass

from kseg.engine import AUTOMATIC
from kseg.monitor import BARE, HYBRID, TRAP_AND_EMULATE


@dataclass(frozen=True)
class Way:
    """One configuration: the monitor, and the engine that executes code."""

    name: str
    """What chooses it, and what it is called in results."""
    monitor: str
    """One of `kseg.monitor.CHOICES`."""
    engine: str = AUTOMATIC
    """One of `kseg.engine.CHOICES`."""
    rewriting: bool = False
    """Whether the monitor rewrites privileged instructions that trap."""

    @property
    def is_bare(self) -> bool:
        return self.monitor == BARE


WAYS = {
    way.name: way
    for way in (
        Way("reference", BARE, "reference"),
        Way("interpreter", BARE, "interpreter"),
        Way("translator", BARE, "translator"),
        Way("trap-and-emulate", TRAP_AND_EMULATE),
        Way("rewriting", TRAP_AND_EMULATE, rewriting=True),
        Way("hybrid", HYBRID),
    )
}
"""By name, in the order in which they are shown: the engines on the bare machine, the monitors on
the fastest engine. The first that finishes is what the others are held against."""
