"""How virtual time in which nothing is executed and the host's clock go together.

"fast": such time passes at once. "real": a second of it lasts a second. "system161": as on
System/161, whose guests wait for disks much faster than real ones, while their users do not see
clocks run: what a guest waits for only lasts where it is more than `SHORTEST_SLEEP` away; but one
that waits for nothing but its clocks has all of a second for a second.
"""

import time

PACES = ("fast", "real", "system161")

SHORTEST_SLEEP = 10_000_000
"""ns: being ahead of the host's clock by less is not worth a sleep."""


class Pace:
    """How far virtual time is ahead of the host's. All times are in ns."""

    def __init__(self) -> None:
        self._anchor: tuple[int, int] | None = None

    def ahead(self, now: int, due: int) -> int:
        """By how much virtual time, which is `now`, will be ahead of the host's when it is
        `due`."""
        wall, passed = self._passed(now)
        if now > passed + SHORTEST_SLEEP:
            # The guest computed faster than a real one; no user wants to wait for that. What was
            # too short for a sleep is still owed, or a clock of short ticks would run free.
            passed = now - SHORTEST_SLEEP
            self._anchor = (wall, passed)
        return max(due - passed, 0)

    def ahead_by_event(self, now: int, due: int) -> int:
        """The same, where nothing is owed: no more than from `now` to `due`."""
        _, passed = self._passed(now)
        return max(due - max(now, passed), 0)

    def _passed(self, now: int) -> tuple[int, int]:
        """The host's clock, and where virtual time would be if it had gone with it."""
        wall = time.monotonic_ns()
        if self._anchor is None:
            self._anchor = (wall, now)
        return wall, self._anchor[1] + wall - self._anchor[0]

    def stood_still(self) -> None:
        """Do not catch up on the time that passed (in a job that was stopped)."""
        self._anchor = None
