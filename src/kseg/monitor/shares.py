"""What a guest is entitled to of a shared processor, and the accounts that are kept of it.

Amounts are in cycles, which are instructions; times are machine times, in cycles too.
"""

from enum import Enum, auto

import msgspec

LARGEST_WEIGHT = 10_000

REFILLS_PER_SECOND = 100
"""A capped guest's burst is at most this part of a second's instructions."""

VIRTUAL_SCALE = 1 << 20
"""Ticks of virtual time that a cycle of a guest of weight 1 takes."""


class ReservationError(ValueError):
    """The machine has not got what a guest wants reserved."""


class Share(msgspec.Struct, frozen=True):
    """A guest's part of the machine; ValueError when it makes no sense."""

    weight: int = 100
    """What is left after reservations is divided in proportion to this; 1 to `LARGEST_WEIGHT`."""
    cap: int | None = None
    """The most instructions in a virtual second, however idle the machine; None: no limit."""
    reservation: int = 0
    """Instructions in a virtual second that it gets if it wants them, before any guest gets
    anything by weight. They do not count against its part by weight."""

    def __post_init__(self) -> None:
        if not 1 <= self.weight <= LARGEST_WEIGHT:
            raise ValueError(f"a weight is from 1 to {LARGEST_WEIGHT}, not {self.weight}")
        if self.cap is not None and self.cap < 1:
            raise ValueError(f"a cap is at least 1 instruction a second, not {self.cap}")
        if self.reservation < 0:
            raise ValueError(f"a reservation cannot be negative ({self.reservation})")
        if self.cap is not None and self.reservation > self.cap:
            raise ValueError(
                f"a reservation of {self.reservation} is more than the cap of {self.cap}"
            )


class Account:
    """Service on a time scale of its own: a cycle of service takes `scale / rate` ticks.

    `start` is the time at which an ideal processor, which serves all guests continuously, would
    have given as much as was really given; `deadline`, when it would complete the time slice
    being served. Remainders are carried, so nothing drifts.
    """

    __slots__ = ("_length", "_rate", "_remainder", "_scale", "deadline", "start")

    def __init__(self, scale: int, rate: int, time_slice: int) -> None:
        """Begin at 0; `time_slice` in cycles."""
        self._scale = scale
        self._rate = rate
        self._remainder = 0
        self._length = max(1, time_slice * scale // rate)
        self.start = 0
        self.deadline = self._length

    def advance(self, cycles: int) -> int:
        """Enter `cycles` of service; returns the ticks that they take."""
        ticks, self._remainder = divmod(cycles * self._scale + self._remainder, self._rate)
        self.start += ticks
        if self.start >= self.deadline:
            # Slices follow one another without gaps, also where service does not come in slices.
            self.deadline += ((self.start - self.deadline) // self._length + 1) * self._length
        return ticks

    def forfeit(self, until: int) -> None:
        """Service that was not taken up by `until` is lost. What was had in advance stays owed."""
        if self.start < until:
            self.start = until
            self.deadline = until + self._length
            self._remainder = 0


class TokenBucket:
    """A cap: in any `t` cycles at most `rate * t / second` of service, and one burst."""

    __slots__ = ("_enough", "_full", "_level", "_rate", "_second", "_time")

    def __init__(self, rate: int, second: int, time_slice: int, now: int) -> None:
        """Full at machine time `now`; `second` and `time_slice` in cycles."""
        burst = max(1, min(time_slice, rate // REFILLS_PER_SECOND))
        self._rate = rate
        self._second = second
        # Levels are in tokens times `second`, which makes refilling exact.
        self._full = burst * second
        # A quarter of a burst is worth a switch of guests. The rest is room for what flows in
        # while the guest waits for its turn, so that little overflows.
        self._enough = (burst + 3) // 4 * second
        self._level = self._full
        self._time = now

    def _refill(self, now: int) -> None:
        self._level = min(self._full, self._level + self._rate * (now - self._time))
        self._time = now

    def available(self, now: int) -> int:
        """Cycles that may be executed from `now` on."""
        self._refill(now)
        return max(self._level // self._second, 0)

    def spend(self, start: int, cycles: int) -> None:
        """`cycles` were executed from `start` on."""
        self._refill(start)
        self._level = min(self._full, self._level + (self._rate - self._second) * cycles)
        self._time = start + cycles

    def ready_at(self, now: int) -> int:
        """When there is enough to run on: `now` or later."""
        self._refill(now)
        return now + max(-((self._level - self._enough) // self._rate), 0)


class GuestUse(msgspec.Struct, frozen=True):
    """What a guest had of the machine since it was added; times in cycles."""

    executed: int
    waited: int
    """Time in which it could have run and did not."""
    throttled: int
    """Time in which it would have run but for its cap."""
    longest_wait: int
    """The longest time from a wake-up to running."""
    switches: int
    """How often the machine changed over to it from another guest."""


class GuestState(Enum):
    """Whether a guest competes for the processor."""

    RUNNABLE = auto()
    THROTTLED = auto()
    ASLEEP = auto()


class ScheduledGuest:
    """All that a scheduler knows of a guest."""

    def __init__(
        self, name: str, share: Share, order: int, cycles_per_second: int, time_slice: int, now: int
    ) -> None:
        """Asleep, at machine time `now`; `order` decides between equals."""
        self.name = name
        self.share = share
        self.order = order
        self.by_weight = Account(VIRTUAL_SCALE, share.weight, time_slice)
        self.reserved: Account | None = None
        if share.reservation:
            self.reserved = Account(cycles_per_second, share.reservation, time_slice)
        self.bucket: TokenBucket | None = None
        if share.cap is not None:
            self.bucket = TokenBucket(share.cap, cycles_per_second, time_slice, now)
        self.state = GuestState.ASLEEP
        self.since = now
        """When it came into its state. Each cycle that it executes moves this on by one, so that
        what has passed since is time without running."""
        self.woken: int | None = None
        """When it woke, until it runs."""
        self.credit = 0
        """Virtual time by which it was behind the others when it left them."""
        self.urgent = False
        """It has just woken and is not ahead of its part by weight."""
        self.executed = 0
        self.longest_wait = 0
        self.switches = 0
        self._waited = 0
        self._throttled = 0

    def enter(self, state: GuestState, since: int, now: int) -> None:
        """It is in `state` since machine time `since`."""
        use = self.use(now)
        self._waited, self._throttled = use.waited, use.throttled
        self.state, self.since = state, since

    def use(self, now: int) -> GuestUse:
        """What it has had."""
        passed = now - self.since
        return GuestUse(
            executed=self.executed,
            waited=self._waited + (passed if self.state is GuestState.RUNNABLE else 0),
            throttled=self._throttled + (passed if self.state is GuestState.THROTTLED else 0),
            longest_wait=self.longest_wait,
            switches=self.switches,
        )
