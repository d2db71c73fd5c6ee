"""Pace "real": a second of virtual time in which nothing is executed lasts a second."""

import time

SHORTEST_SLEEP = 10_000_000
"""ns: being ahead of the host's clock by less is not worth a sleep."""


class Pace:
    """How virtual time and the host's clock go together."""

    def __init__(self) -> None:
        self._anchor: tuple[int, int] | None = None

    def ahead(self, now: int, due: int) -> int:
        """By how much virtual time, which is `now`, will be ahead of the host's when it is `due`;
        all in ns."""
        wall = time.monotonic_ns()
        if self._anchor is None:
            self._anchor = (wall, now)
        passed = self._anchor[1] + wall - self._anchor[0]
        if now > passed + SHORTEST_SLEEP:
            # The guest computed faster than a real one; nobody wants to wait for that. What was
            # too short for a sleep is still owed, or a clock of short ticks would run free.
            passed = now - SHORTEST_SLEEP
            self._anchor = (wall, passed)
        return max(due - passed, 0)

    def stood_still(self) -> None:
        """Do not catch up on the time that passed (in a job that was stopped)."""
        self._anchor = None
