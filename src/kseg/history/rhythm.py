"""How far a machine is to run before somebody looks at it again: so that looking costs little."""

import time

SHORTEST, LONGEST = 100_000, 64_000_000
"""Cycles."""


class Rhythm:
    """Stretches of cycles that take the host about as long as they should."""

    def __init__(self, short: int, long: int) -> None:
        """A stretch is to take between `short` and `long` ns of the host's time."""
        self._short, self._long = short, long
        self.stretch = SHORTEST
        """Cycles of the present one."""
        self._began = time.perf_counter_ns()

    def beat(self) -> int:
        """A stretch is over: the cycles of the next one."""
        passed = time.perf_counter_ns() - self._began
        if passed < self._short:
            self.stretch = min(2 * self.stretch, LONGEST)
        elif passed > self._long:
            self.stretch = max(self.stretch // 2, SHORTEST)
        self._began = time.perf_counter_ns()
        return self.stretch
