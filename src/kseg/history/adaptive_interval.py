"""An adaptive interval: how far a machine runs before it is looked at again, so that this costs
little."""

from kseg.platform.clocks import own_time_ns

SHORTEST, LONGEST = 100_000, 64_000_000
"""Cycles."""


class AdaptiveInterval:
    """Stretches of cycles that take the host about as long as they should."""

    def __init__(
        self, short: int, long: int, shortest: int = SHORTEST, longest: int = LONGEST
    ) -> None:
        """A stretch is to take between `short` and `long` ns of the host's processor time, for a
        guest that rests needs no looking after, and is between `shortest` and `longest` cycles."""
        self._short, self._long = short, long
        self._shortest, self._longest = shortest, longest
        self.stretch = shortest
        """Cycles of the present one."""
        self._began = own_time_ns()

    def next_stretch(self) -> int:
        """A stretch is over: the cycles of the next one."""
        passed = own_time_ns() - self._began
        if passed < self._short:
            self.stretch = min(2 * self.stretch, self._longest)
        elif passed > self._long:
            self.stretch = max(self.stretch // 2, self._shortest)
        self._began = own_time_ns()
        return self.stretch
