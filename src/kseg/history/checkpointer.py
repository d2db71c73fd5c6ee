"""Takes checkpoints of a machine that runs."""

from collections.abc import Callable

from kseg.history.adaptive_interval import AdaptiveInterval
from kseg.history.checkpoints import Checkpoint, Checkpoints
from kseg.monitor.observer import Observer, Order
from kseg.monitor.stop import Stop

SHORT, LONG = 40_000_000, 120_000_000
"""ns of the host's time: from one checkpoint to the next it is to be between these."""


class Checkpointer(Observer):
    """Keeps some of a machine's states, so close to each other that it soon runs from one to the
    next."""

    order = Order.RECORD

    def __init__(
        self,
        checkpoints: Checkpoints,
        clock: Callable[[], int],
        whole: Callable[[], bool],
        take: Callable[[], Checkpoint],
    ) -> None:
        """`clock` is the engine's cycle counter, `whole` whether all processors stand between the
        same two cycles, `take` the machine's state now."""
        self._checkpoints, self._clock, self._whole, self._take = checkpoints, clock, whole, take
        self._interval = AdaptiveInterval(SHORT, LONG)
        self.idle = False
        """Whether nothing is to be kept at present."""
        self._next = clock()

    @property
    def next_cycle(self) -> int | None:
        """Where the machine is to stand for a moment."""
        return None if self.idle else self._next

    def stopped(self, stop: Stop) -> None:  # noqa: ARG002
        cycle = self._clock()
        if not self.idle and cycle >= self._next and self._whole():
            before = self._checkpoints.before(cycle)
            if before is None or 2 * (cycle - before.cycle) > self._stretch:
                self._checkpoints.add(self._take())
            self._interval.next_stretch()
            self._next = cycle + self._stretch

    def begin_anew(self) -> None:
        """What was before does not count: keep the machine's state as soon as it can be kept."""
        self._next = self._clock() + int(not self._whole())

    def moved(self) -> None:
        """The machine was put somewhere else."""
        self._next = self._clock() + self._stretch

    @property
    def _stretch(self) -> int:
        """Cycles to the next one: where there is no room for more, as many as between those that
        there are."""
        kept = self._checkpoints
        if 10 * kept.size < 9 * kept.limit or len(kept) < 3:
            return self._interval.stretch
        return max(self._interval.stretch, (kept.last.cycle - kept.first.cycle) // len(kept))
