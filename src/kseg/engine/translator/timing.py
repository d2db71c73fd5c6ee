"""Time within a block: when HI and LO can be used, where the profile has an interlock."""

from collections.abc import Mapping

from kseg.engine.translator.effects import Effects

OCCUPIED = 2
"""Cycles after which HI or LO can be used without a stall."""


def used_by(does: Effects) -> list[str]:
    """The fields of the state that say when what the instruction waits for is there."""
    uses = ("hi_ready", does.uses_hi), ("lo_ready", does.uses_lo)
    return [name for name, is_used in uses if is_used]


def occupied_by(does: Effects) -> list[str]:
    """The same for what the instruction occupies."""
    occupies = ("hi_ready", does.occupies_hi), ("lo_ready", does.occupies_lo)
    return [name for name, is_occupied in occupies if is_occupied]


def stall(used: list[str], occupied: Mapping[str, int], cycle: int) -> int:
    """How long an instruction that comes at `cycle` of its block waits; `occupied` says when the
    block's instructions last occupied what it uses. Not for the first instruction, which may wait
    for what was before the block."""
    ready = max((occupied[name] + OCCUPIED for name in used if name in occupied), default=0)
    return max(ready - cycle, 0)
