"""Time within a block: when HI and LO can be used, where the profile has an interlock."""

from collections.abc import Iterable, Mapping

from kseg.engine.translator.effects import Effects

OCCUPIED = 2
"""Cycles after which HI or LO can be used without a stall."""

_FIELDS = {
    (False, False): (),
    (True, False): ("hi_ready",),
    (False, True): ("lo_ready",),
    (True, True): ("hi_ready", "lo_ready"),
}


def used_by(does: Effects) -> tuple[str, ...]:
    """The fields of the state that say when what the instruction waits for is there."""
    return _FIELDS[does.uses_hi, does.uses_lo]


def occupied_by(does: Effects) -> tuple[str, ...]:
    """The same for what the instruction occupies."""
    return _FIELDS[does.occupies_hi, does.occupies_lo]


def stall(used: Iterable[str], occupied: Mapping[str, int], cycle: int) -> int:
    """How long an instruction that comes at `cycle` of its block waits; `occupied` says when the
    block's instructions last occupied what it uses. Not for the first instruction, which may wait
    for what was before the block."""
    ready = max((occupied[name] + OCCUPIED for name in used if name in occupied), default=0)
    return max(ready - cycle, 0)
