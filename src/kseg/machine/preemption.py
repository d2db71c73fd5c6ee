"""Preemptions: timer interrupts that come early, at cycles that were chosen beforehand.

A kernel takes the running thread off the processor when its timer interrupts, and the thread does
not know when that will be. A plan of preemptions lets it be at other instructions than usual, so
that races show which the usual moments hide (`kseg.exploration`). The plan is part of the board's
state: a run with it is as repeatable as one without.

A preemption's time is counted in *busy* cycles, those in which some processor executes. So a plan
means the same wherever idle time passes, and the presence of a plan changes nothing before its
first preemption: it is no event, and the board's bursts are what they are without it.
"""

from typing import Annotated

import msgspec

from kseg.machine.clock import Count


class Preemption(msgspec.Struct, frozen=True, order=True):
    """When the board has been busy for `at` cycles since power-on, the timer interrupt of a
    processor comes: that of `processor` or, where that one's timer cannot fire, of the next."""

    at: Count
    processor: Annotated[int, msgspec.Meta(ge=0, le=31)] = 0


class Struck(msgspec.Struct, frozen=True):
    """A preemption that has happened: in which `cycle` of the engine's clock, and which
    `processor` was about to execute `pc`."""

    cycle: int
    processor: int
    pc: int
