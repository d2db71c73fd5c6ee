"""Observers: all that takes part in a machine's run and is not the machine.

What types for the user, checks a replay, records, keeps checkpoints, saves, samples, traces,
watches, talks to the user or stops the run when a condition holds: each is an `Observer` in the one
list of the run loop (`kseg.monitor.observers`). It overrides the methods that it
needs; the others cost nothing.

No observer changes what the machine does: where a run is cut into pieces, and what looks, leaves
every cycle as it is. Input goes through the input port, as ever.
"""

from enum import IntEnum
from typing import ClassVar

from kseg.monitor.burst_loop import NEVER, Look
from kseg.monitor.stop import Stop, StopReason

RUN_ON = Stop(StopReason.CYCLE_LIMIT)
"""What an observer makes of a Stop after which the machine is to run on: before the cycle that the
run was given, this is no end of it."""


class Order(IntEnum):
    """Where an observer stands in the list: lower ones are called first, and those of one order in
    the order in which they were added. So a later one is given what earlier ones have made of a
    Stop."""

    VERIFY = 0
    """It holds the run against another one: before anything is kept of a run that went astray."""
    RECORD = 1
    """It writes down what the machine does, as the machine has done it."""
    INPUT = 2
    """It gives the machine what it waits for."""
    WATCH = 3
    """It looks at the machine."""
    USER = 4
    """It speaks for the user: what a Stop means to those before it must be settled."""


class Observer:
    """Takes part in a machine's run. All methods are called in the thread that runs the machine.

    Where the machine *stands* (`stopped`, `between_bursts`), an observer may look at it, save and
    fork it (`kseg.machine.run_lock.Safepoint.SAVABLE`), and add and remove observers, itself
    included; elsewhere it may only look. What it raises ends the run: the machine stands as it did,
    and can run on. What `printed` and `said` raise in the middle of what a device does comes out of
    the run as soon as the machine stands.
    """

    order: ClassVar[Order] = Order.WATCH

    each_character: ClassVar[bool] = False
    """Whether `printed` is to be called for each character, in the cycle in which it is printed;
    otherwise for several at once, a moment later."""

    @property
    def looks(self) -> Look:
        """When `between_bursts` is to be called, at least; asked again each time it was."""
        return Look.BURST

    @property
    def look_at(self) -> int:
        """The virtual time from which on it is to be called in any case."""
        return NEVER

    @property
    def next_cycle(self) -> int | None:
        """The cycle of the engine's clock at which the machine is to stand next, on this observer's
        account: it is asked each time the machine starts, after `starts`. None where that does
        not matter."""
        return None

    def starts(self) -> None:
        """The machine runs from here, until `stopped`: unless an exception comes out of the run."""

    def between_bursts(self) -> Stop | None:
        """The board is between two bursts, and another is about to begin: a Stop ends the run. It
        is called as often as `looks` says."""
        return None

    def stopped(self, stop: Stop) -> Stop | None:  # noqa: ARG002
        """The machine stands, because of `stop`, which is CYCLE_LIMIT at an observer's
        `next_cycle`; a Stop that is returned counts instead. After CYCLE_LIMIT it runs on (see
        `RUN_ON`), if that was not the limit of the run."""
        return None

    def all_wait(self) -> None:
        """Every processor waits: time is about to jump to what comes next."""

    def before_sleep(self) -> None:
        """The host is about to sleep until something comes in, or idle time has passed."""

    def records_wait(self) -> None:
        """The engine's trace records are to be taken: there is no more room for them, or time has
        jumped, so that cycles and virtual time no longer go together as before."""

    def state_loaded(self) -> None:
        """The machine is in another state, perhaps on another engine: a state was loaded, it was
        reset, or put somewhere else in its past."""

    def edited(self) -> None:
        """The machine is not what its past has made of it any more: its memory or registers were
        edited, or it was reset or loaded by its user."""

    def printed(self, data: bytes) -> None:
        """The guest prints this, or has printed it a moment ago; the machine may be in the middle
        of an instruction."""

    def said(self, text: str) -> None:
        """The machine itself has something to say: a line."""

    def closing(self) -> None:
        """The machine will not run any more; it stands as it did last."""
