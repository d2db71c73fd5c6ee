"""Notices that a guest waits for input which will never come.

A guest without a periodic clock ends up with nothing due at all, and the monitor says so. One
with a clock (OS/161 has 100 ticks a second) looks busy for ever: here what counts is that nothing
comes of it.
"""

from kseg.inspection.machine import InspectedMachine
from kseg.machine.clock import SECOND
from kseg.monitor.burst_loop import NEVER

STEP = SECOND
"""Virtual ns between two checks."""

BUSY_SHARE = 20
"""A guest that executes in more than one cycle out of so many is doing something."""


class IdleWatch:
    """Asked again and again; says when nothing has happened for `limit` virtual seconds."""

    def __init__(self, machine: InspectedMachine, limit: float) -> None:
        """A `limit` of 0 is never."""
        self._machine = machine
        self._limit = int(limit * SECOND)
        self._next = 0
        self._since: int | None = None
        self._seen: tuple[object, ...] = ()
        self._executed = 0

    @property
    def next_look(self) -> int:
        """The virtual time before which `nothing_happens` need not be asked."""
        return self._next if self._limit else NEVER

    def nothing_happens(self) -> bool:
        """Whether it is time to give up."""
        now = self._machine.board.clock.now
        if not self._limit or now < self._next:
            return False
        elapsed = STEP + now - self._next
        self._next = now + STEP
        processors = self._machine.board.processors
        executed = sum(each.kernel_cycles for each in processors)
        cycle = self._machine.board.time_model.nanoseconds_per_cycle
        share = (executed - self._executed) * cycle * BUSY_SHARE / elapsed
        self._executed = executed
        activity = self._machine.board.activity.save()
        seen = (sum(each.user_cycles for each in processors), activity)
        if self._since is None or seen != self._seen or share > 1:
            self._seen, self._since = seen, now
            return False
        return now - self._since >= self._limit
