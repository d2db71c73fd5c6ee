"""The scheduler: which guest runs next on a processor that many share, and for how long.

Three rules, in this order:

1. *Reservations.* A guest that has had less than its reservation since it woke goes first, the
   earliest deadline first. Reservations never add up to more than the machine.
2. *Wake-ups.* A guest that has just woken, and is not ahead of its part by weight, runs once
   before those that compute. The slice of one that runs by weight ends early for it.
3. *Weights*, by earliest eligible virtual deadline first (EEVDF; Stoica and Abdel-Wahab, 1995).
   Virtual time passes, for a guest, with the cycles that it executes divided by its weight. The
   ideal guest's virtual time is the average of those that compete, weighted; a guest that is not
   ahead of it is eligible, and of these the one runs whose time slice would be complete first had
   all computed continuously. So among guests that always compute, none is ever more than a time
   slice before or behind its exact part; two slices where they come back early.

Who sleeps forfeits what it could have had, but stays in debt for what it had in advance: neither
a long sleep nor many short ones gain anything. A guest that has used up its cap does not compete
until it has earned a part of a burst; it is not its choice, and so it comes back as far behind the
others as it was (a slice at most).

Nothing here depends on the host: the same calls give the same answers. Equals run in the order in
which they were added.
"""

from bisect import insort

from kseg.critical_section import critical_section
from kseg.monitor.shares import (
    VIRTUAL_SCALE,
    GuestState,
    GuestUse,
    ReservationError,
    ScheduledGuest,
    Share,
)

TIME_SLICE = 100_000
"""Cycles: 4 ms at 25 MHz."""

SLICE_PARTS = 8
"""A slice is cut short for a wake-up to no less than this part: a guest that wakes all the time
must not chop up the others' time."""


class Scheduler:
    """Divides a processor among named guests, in machine time.

    Ask `pick`, run that guest, `charge` what it executed, tell which sleeps (`sleep`) and which got
    input (`wake`). Where `pick` is None, let time pass to `next_event` or until input comes. All
    methods that take a name raise ValueError when there is no such guest.
    """

    def __init__(self, cycles_per_second: int, time_slice: int = TIME_SLICE) -> None:
        """Start at machine time 0. `time_slice`: the most cycles that a guest runs at a time."""
        if cycles_per_second < 1 or time_slice < 1:
            raise ValueError("a second and a time slice are at least one cycle")
        self.cycles_per_second = cycles_per_second
        self.time_slice = time_slice
        self.now = 0
        """Machine time in cycles."""
        self._shortest_slice = max(1, time_slice // SLICE_PARTS)
        self._guests: dict[str, ScheduledGuest] = {}
        self._order = 0
        self._timers: list[tuple[int, int, ScheduledGuest]] = []
        """(machine time, order, guest): wake-ups, and when throttled guests may run again."""
        self._running: ScheduledGuest | None = None
        self._serves_reservation: ScheduledGuest | None = None
        # Those that compete, their weights, and their virtual times multiplied by their weights.
        self._competing: list[ScheduledGuest] = []
        self._weights = 0
        self._weighted_times = 0
        self._last_virtual_time = 0

    # Guests.

    @critical_section
    def add(self, name: str, share: Share) -> None:
        """Add a guest, runnable from now on.

        ValueError when there is one of that name, ReservationError when too little of the machine
        is left for its reservation.
        """
        if name in self._guests:
            raise ValueError(f"there is a guest {name!r} already")
        if share.reservation > self.unreserved:
            raise ReservationError(
                f"{name} wants {share.reservation} instructions a second reserved;"
                f" {self.unreserved} of {self.cycles_per_second} are left"
            )
        guest = ScheduledGuest(
            name, share, self._order, self.cycles_per_second, self.time_slice, self.now
        )
        self._guests[name] = guest
        self._order += 1
        self._wake(guest, self.now)
        # It has not slept: it takes its turn.
        guest.urgent, guest.woken = False, None

    @critical_section
    def remove(self, name: str) -> None:
        """Take a guest out; its reservation is free again."""
        guest = self._find(name)
        self._leave(guest)
        del self._guests[name]
        if self._running is guest:
            self._running = None

    @critical_section
    def wake(self, name: str) -> None:
        """The guest is runnable from now on, if it was asleep: input arrived."""
        guest = self._find(name)
        if guest.state is GuestState.ASLEEP:
            self._leave(guest)
            self._wake(guest, self.now)

    @critical_section
    def sleep(self, name: str, until: int | None) -> None:
        """The guest waits until machine time `until`, or until it is woken; None: only that."""
        guest = self._find(name)
        self._leave(guest)
        if until is not None:
            self._set_timer(guest, max(until, self.now))

    # The machine.

    @critical_section
    def pick(self) -> tuple[str, int] | None:
        """The guest to run now, and for how many cycles at most; None when none may run now."""
        self._fire_timers()
        if not self._competing:
            self._serves_reservation = None
            return None
        now, weights, times = self.now, self._weights, self._weighted_times
        best: tuple[int, int, int, ScheduledGuest] | None = None
        for guest in self._competing:
            account = guest.by_weight
            if guest.reserved is not None and guest.reserved.start <= now:
                candidate = (0, guest.reserved.deadline, guest.order, guest)
            elif guest.urgent:
                candidate = (1, guest.since, guest.order, guest)
            elif account.start * weights <= times:
                candidate = (2, account.deadline, guest.order, guest)
            else:
                continue
            if best is None or candidate < best:
                best = candidate
        # The guest furthest behind is not ahead of the average, so there always is an eligible one.
        assert best is not None
        rule, _, _, guest = best
        self._serves_reservation = guest if rule == 0 else None
        cycles = self.time_slice if rule < 2 else self._cycles_to_wake_up()
        if guest.bucket is not None:
            cycles = min(cycles, guest.bucket.available(now))
        return guest.name, cycles

    @critical_section
    def charge(self, name: str, cycles: int) -> None:
        """The guest has executed `cycles` from now on, and that time has passed.

        Call it before telling that the guest sleeps. ValueError when `cycles` is negative.
        """
        guest = self._find(name)
        if cycles < 0:
            raise ValueError(f"{name} cannot have executed {cycles} cycles")
        start = self.now
        self.now += cycles
        if guest.woken is not None:
            guest.longest_wait = max(guest.longest_wait, start - guest.woken)
            guest.woken = None
        if self._running is not guest:
            self._running = guest
            guest.switches += 1
        guest.executed += cycles
        guest.since += cycles
        if guest.reserved is not None and guest is self._serves_reservation:
            guest.reserved.advance(cycles)
        else:
            ticks = guest.by_weight.advance(cycles)
            if guest.state is GuestState.RUNNABLE:
                self._weighted_times += ticks * guest.share.weight
        if cycles:
            guest.urgent = False
        if guest.bucket is not None:
            guest.bucket.spend(start, cycles)
            if guest.state is GuestState.RUNNABLE and guest.bucket.ready_at(self.now) > self.now:
                self._leave(guest)
                self._compete(guest, self.now)
        self._fire_timers()

    @property
    def next_event(self) -> int | None:
        """The machine time at which a guest that does not compete now will, by a timer or because
        its cap allows it again; None when only input can wake one."""
        return self._timers[0][0] if self._timers else None

    @critical_section
    def pass_time(self, until: int) -> None:
        """The machine idles to machine time `until`; ValueError when that is in the past."""
        if until < self.now:
            raise ValueError(f"machine time cannot go back from {self.now} to {until}")
        self.now = until
        self._fire_timers()

    # What there is to know.

    @property
    def unreserved(self) -> int:
        """Instructions in a second that are not reserved."""
        reserved = sum(guest.share.reservation for guest in self._guests.values())
        return self.cycles_per_second - reserved

    def share_of(self, name: str) -> Share:
        """What the guest is entitled to."""
        return self._find(name).share

    def use_of(self, name: str) -> GuestUse:
        """What the guest has had."""
        return self._find(name).use(self.now)

    def _find(self, name: str) -> ScheduledGuest:
        guest = self._guests.get(name)
        if guest is None:
            raise ValueError(f"no guest {name!r}")
        return guest

    # Coming and going.

    @property
    def _virtual_time(self) -> int:
        """The ideal guest's."""
        if not self._weights:
            return self._last_virtual_time
        return self._weighted_times // self._weights

    def _wake(self, guest: ScheduledGuest, since: int) -> None:
        guest.woken = since
        guest.credit = 0
        if guest.reserved is not None:
            guest.reserved.forfeit(since)
        self._compete(guest, since)

    def _compete(self, guest: ScheduledGuest, since: int) -> None:
        """It wants to run since machine time `since`, and does as soon as its cap allows it."""
        if guest.bucket is not None:
            ready = guest.bucket.ready_at(self.now)
            if ready > self.now:
                guest.enter(GuestState.THROTTLED, since, self.now)
                self._set_timer(guest, ready)
                return
        guest.enter(GuestState.RUNNABLE, since, self.now)
        self._place(guest)
        self._competing.append(guest)
        self._weights += guest.share.weight
        self._weighted_times += guest.by_weight.start * guest.share.weight

    def _place(self, guest: ScheduledGuest) -> None:
        """Bring its virtual time into line with the others', which went on without it."""
        virtual_time = self._virtual_time
        if self._weights:
            # Its coming moves the average towards it, so that a slice is more ticks than it says.
            weight = guest.share.weight
            slice_ticks = self.time_slice * VIRTUAL_SCALE * (self._weights + weight)
            most = slice_ticks // (self._weights * weight)
            guest.by_weight.forfeit(virtual_time - min(guest.credit, most))
        else:
            guest.by_weight.forfeit(virtual_time)
        guest.urgent = guest.by_weight.start <= virtual_time

    def _leave(self, guest: ScheduledGuest) -> None:
        """It does not compete, and no timer is set for it."""
        if guest.state is GuestState.RUNNABLE:
            self._last_virtual_time = self._virtual_time
            self._competing.remove(guest)
            self._weights -= guest.share.weight
            self._weighted_times -= guest.by_weight.start * guest.share.weight
            guest.credit = 0
            if self._weights:
                guest.credit = max(self._virtual_time - guest.by_weight.start, 0)
        else:
            self._timers = [timer for timer in self._timers if timer[2] is not guest]
        guest.enter(GuestState.ASLEEP, self.now, self.now)

    # Timers.

    def _set_timer(self, guest: ScheduledGuest, at: int) -> None:
        insort(self._timers, (at, guest.order, guest))

    def _fire_timers(self) -> None:
        while self._timers and self._timers[0][0] <= self.now:
            at, _, guest = self._timers.pop(0)
            if guest.state is GuestState.THROTTLED:
                guest.enter(GuestState.ASLEEP, at, at)
                self._compete(guest, at)
            else:
                self._wake(guest, at)

    def _cycles_to_wake_up(self) -> int:
        """How long one that competes by weight may run: a slice, or until a guest wakes that
        would go first."""
        for at, _, guest in self._timers:
            ahead = at - self.now
            if ahead >= self.time_slice:
                break
            times = self._weighted_times + ahead * VIRTUAL_SCALE
            entitled = guest.reserved is not None and guest.reserved.start <= at
            if entitled or guest.by_weight.start * self._weights <= times:
                return max(ahead, self._shortest_slice)
        return self.time_slice
