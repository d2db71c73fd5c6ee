"""Preemptions: timer interrupts that come early, at cycles that were chosen beforehand.

A kernel takes the running thread off the processor when its timer interrupts, and the thread does
not know when that will be. A plan of preemptions lets it be at other instructions than usual, so
that races show which the usual moments hide (`kseg.exploration`). The plan is part of the board's
state: a run with it is as repeatable as one without.

A preemption's time is counted in *busy* cycles, those in which some processor executes. So a plan
means the same wherever idle time passes, and the presence of a plan changes nothing before its
first preemption: it is no event, and the board's bursts are what they are without it.
"""

from typing import TYPE_CHECKING, Annotated

import msgspec

from kseg.engine.state import ProcessorState
from kseg.isa.registers import TIMER_LINE
from kseg.machine.event_queue import Count

if TYPE_CHECKING:
    from kseg.machine.board import Board


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


def preempt(board: "Board") -> None:
    """Let the next preemption happen: the on-chip timer of the processor that it names fires, or
    that of the next one which executes and has set its timer. Where nobody has, a timer device is
    ahead of its time. Where there is none either, or the interrupt is pending already, nothing
    happens."""
    number = board.state.preemptions.pop(0).processor
    count = len(board.processors)
    executing = [
        processor
        for processor in (board.processors[(number + n) % count] for n in range(count))
        if processor.enabled and not processor.waiting
    ]
    for processor in executing:
        if processor.timer_armed and not processor.timer_line:
            # As when Count comes to Compare.
            processor.count_origin = processor.clock
            processor.timer_line = TIMER_LINE
            _strike(board, processor)
            return
    timers = [card for card in board.cards if not card.interrupt]
    expiries = [event for card in timers if (event := card.expiry) is not None]
    if expiries and executing:
        board.clock.bring_forward(min(expiries, key=lambda event: (event.due, event.sequence)))
        _strike(board, executing[0])


def _strike(board: "Board", processor: ProcessorState) -> None:
    board.struck.append(Struck(processor.clock, processor.identity, processor.pc))
