"""The event clock: virtual time, and what will happen when.

Time is counted, not measured: it advances by a fixed number of nanoseconds a processor cycle, and
by jumps while every processor idles. Events are plain data dispatched to a named owner, so that
the queue is part of a saved state.

Boards run in *bursts*: the clock says how many cycles may pass before it wants control back, the
run loop lets the engine run that long, and events are dispatched between bursts. `TimeModel` says
how exact that is.
"""

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Annotated, Protocol

import msgspec

from kseg.machine.random_generator import RandomGenerator
from kseg.machine.state import made_of

SECOND = 1_000_000_000

_order = attrgetter("due", "sequence")


@dataclass(frozen=True, slots=True)
class TimeModel:
    """How a board passes time. The defaults are exact."""

    nanoseconds_per_cycle: int
    longest_burst: int
    """Cycles after which an uneventful burst ends anyway."""
    poll_interval: int
    """Running cycles between two polls of the input port."""
    jitter: bool = False
    """Lengthen every delay by a random 0 to 1 %."""
    late_events: bool = False
    """An event does not shorten the burst in which it is scheduled unless that burst had already
    been cut for a later event: System/161's behaviour."""
    random_start: int = 0
    """Time starts at a random number of nanoseconds below this."""
    idle_remainder_counts_twice: bool = False
    """System/161 keeps the nanoseconds of an idle jump that do not fill a cycle, and adds them to
    the next jump although they have already passed."""

    @property
    def cycles_per_second(self) -> int:
        """Of virtual time."""
        return SECOND // self.nanoseconds_per_cycle


LATEST = 1 << 60
"""ns or cycles: 36 years of virtual time. No machine gets so far, and no saved state is of one."""
Count = Annotated[int, msgspec.Meta(ge=0, le=LATEST)]
"""A number of cycles or ns in a saved state, far from where 64 bits end."""
Word = Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFFF)]
"""A register in a saved state."""


class Event(msgspec.Struct, frozen=True):
    """`owner.on_event(name, argument)` at virtual time `due`; equal times in `sequence`."""

    due: Count
    sequence: Count
    owner: Annotated[str, msgspec.Meta(max_length=64)]
    name: Annotated[str, msgspec.Meta(max_length=64)]
    argument: Annotated[int, msgspec.Meta(ge=-1, le=LATEST)] = 0


MOST_EVENTS = 8192
"""Pending in a saved state: owners stop far below (`EventClock.CROWDED`)."""


class EventOwner(Protocol):
    """What can be woken by the clock."""

    def on_event(self, name: str, argument: int, /) -> None:
        """An event of this owner is due."""
        ...

    def check_event(self, name: str, argument: int, /) -> None:
        """Raise StateError unless a saved state may have such an event of this owner pending."""
        ...


class ClockState(msgspec.Struct, frozen=True):
    """All of an `EventClock`; times in ns, lengths in cycles."""

    base: Count
    elapsed: Count
    burst: Count
    in_burst: bool
    jump: Count
    head_cuts_burst: bool
    cycles_to_poll: Count
    idle_remainder: Count
    sequence: Count
    events: Annotated[list[Event], msgspec.Meta(max_length=MOST_EVENTS)]
    start_seconds: Word
    start_nanoseconds: Word
    run_cycles: Count
    idle_cycles: Count


class EventClock:
    """Virtual time in nanoseconds, the queue of events, and the lengths of bursts."""

    CROWDED = 1024
    """The number of pending events above which an owner must not add to its own (System/161
    dies there); see `crowded`."""

    def __init__(self, model: TimeModel, random: RandomGenerator, epoch: int = 0) -> None:
        """Start at time 0 plus the model's random start; `epoch` is what the calendar clock shows
        then, in seconds since 1970."""
        self.model = model
        self.random = random
        self.base = random.next() % model.random_start if model.random_start else 0
        self.elapsed = 0
        """Cycles into the burst; the run loop keeps it up to date while a burst runs."""
        self.burst = 0
        """Cycles at which the burst ends."""
        self.in_burst = False
        self.run_cycles = 0
        """Cycles of all bursts that have ended, with the idle end of a burst."""
        self.idle_cycles = 0
        """Cycles in which every processor idled, in the idle end of a burst or in a jump."""
        self.jump = 0
        self._lengthened = False
        self.head_cuts_burst = False
        self.cycles_to_poll = model.poll_interval
        self.idle_remainder = 0
        self.sequence = 0
        self.events: list[Event] = []
        self._owners: dict[str, EventOwner] = {}
        self._timekeepers: set[str] = set()
        self.start_seconds = epoch & 0xFFFFFFFF
        self.start_nanoseconds = 0

    # Time.

    @property
    def now(self) -> int:
        """Virtual time in ns: in a burst, the start of the cycle that is being executed."""
        return self.base + self.elapsed * self.model.nanoseconds_per_cycle

    def time_of_day(self) -> tuple[int, int]:
        """The calendar clock: (seconds since 1970, nanoseconds), 32 bits each."""
        seconds, nanoseconds = divmod(self.now, SECOND)
        seconds += self.start_seconds
        nanoseconds += self.start_nanoseconds
        # Not >=: a nanosecond count of exactly a second can be seen, as on System/161.
        if nanoseconds & 0xFFFFFFFF > SECOND:
            nanoseconds -= SECOND
            seconds += 1
        return seconds & 0xFFFFFFFF, nanoseconds & 0xFFFFFFFF

    @property
    def start(self) -> tuple[int, int]:
        """What the calendar clock showed, or should have shown, at virtual time 0."""
        return self.start_seconds, self.start_nanoseconds

    def set_seconds(self, seconds: int) -> None:
        """Set the calendar clock's seconds."""
        self.start_seconds = (seconds - self.now // SECOND) & 0xFFFFFFFF

    def set_nanoseconds(self, nanoseconds: int) -> None:
        """Set the calendar clock's nanoseconds."""
        self.start_nanoseconds = (nanoseconds - self.now % SECOND) & 0xFFFFFFFF

    # Events.

    def register(self, name: str, owner: EventOwner, *, keeps_time: bool = False) -> None:
        """Let events for `name` go to `owner`; `keeps_time`: they say nothing about what the guest
        waits for, as those of a clock."""
        if name in self._owners:
            raise ValueError(f"two event owners named {name!r}")
        self._owners[name] = owner
        if keeps_time:
            self._timekeepers.add(name)

    def schedule(self, delay: int, owner: str, name: str, argument: int = 0) -> None:
        """Call `owner`'s `on_event(name, argument)` in `delay` ns (and the model's jitter)."""
        if owner not in self._owners:
            raise ValueError(f"no event owner named {owner!r}")
        if self.model.jitter:
            # In floating point and in this order: System/161's results to the last bit.
            delay += int((self.random.next() * (delay * 0.01)) / 2147483647.0)
        event = Event(self.now + delay, self.sequence, owner, name, argument)
        self.sequence += 1
        events = self.events
        first = not events or event.due < events[0].due
        if first and self.in_burst:
            if not self.model.late_events:
                self._cut_burst_at(event.due)
            elif self.head_cuts_burst:
                self.end_burst_early()
        if first and events:
            self.head_cuts_burst = False
        insort(events, event, key=_order)

    def _cut_burst_at(self, due: int) -> None:
        cycles = -(-(due - self.base) // self.model.nanoseconds_per_cycle)
        self.burst = min(self.burst, max(cycles, self.elapsed + 1))

    @property
    def crowded(self) -> bool:
        """Whether the guest has made so many events pend that owners must stop adding."""
        return len(self.events) >= self.CROWDED

    def drop_oldest(self, owner: str, name: str) -> None:
        """Forget the event of this owner and name that was scheduled first, if there is one."""
        mine = [event for event in self.events if event.owner == owner and event.name == name]
        if mine:
            oldest = min(mine, key=attrgetter("sequence"))
            if oldest is self.events[0]:
                self.head_cuts_burst = False
            self.events.remove(oldest)

    def replace(self, event: Event, other: Event) -> None:
        """Let another event of the same time take the place of one that is pending."""
        self.events[self.events.index(event)] = other

    def forget_events(self) -> None:
        """Drop all that is pending, and the burst that is under way."""
        self.base, self.elapsed, self.in_burst, self.jump = self.now, 0, False, 0
        self._lengthened = False
        self.events.clear()
        self.head_cuts_burst = False

    def bring_forward(self, event: Event) -> None:
        """Let a pending event happen now, before it is due."""
        if event is self.events[0]:
            self.head_cuts_burst = False
        self.events.remove(event)
        self._owners[event.owner].on_event(event.name, event.argument)

    @property
    def next_due(self) -> int | None:
        """When the next event is due, or None."""
        return self.events[0].due if self.events else None

    @property
    def pending(self) -> Iterable[Event]:
        """What will happen, in order."""
        return tuple(self.events)

    @property
    def devices_work(self) -> bool:
        """Whether anything but clocks is about to happen."""
        return not all(event.owner in self._timekeepers for event in self.events)

    def _dispatch(self) -> None:
        """Dispatch what is due, also what handlers schedule for now."""
        events, now = self.events, self.now
        while events and events[0].due <= now:
            event = events.pop(0)
            self.head_cuts_burst = False
            self._owners[event.owner].on_event(event.name, event.argument)

    # Bursts.

    def begin_burst(self) -> None:
        """Decide how long processors run now: until the next event or poll."""
        length = self.model.longest_burst
        if self.events:
            nanoseconds = self.model.nanoseconds_per_cycle
            delay = self.events[0].due - self.base
            if delay <= 0:
                length = 0
            elif delay < length * nanoseconds:
                self.head_cuts_burst = True
                # Rounded up, or an event less than a cycle away would never come.
                length = -(-delay // nanoseconds)
        self.elapsed = 0
        self.burst = min(length, self.cycles_to_poll)
        self.in_burst = True

    def lengthen_burst(self, most: int) -> None:
        """Let the burst that has just begun go on for up to `most` cycles, over polls at which
        nothing will come in and over bursts that no event cuts short.

        Nothing can tell, as long as no device is reached; `settle_burst` comes before that.
        """
        interval = self.model.poll_interval
        first = self.burst
        if first != self.cycles_to_poll or interval > self.model.longest_burst:
            return
        more = (most - first) // interval
        if self.events:
            until_due = (self.events[0].due - self.base) // self.model.nanoseconds_per_cycle
            # The last one must begin where the event would not have cut it short.
            last_begin = until_due - self.model.longest_burst
            more = min(more, (last_begin - first) // interval + 1)
        if more > 0:
            self.burst = first + more * interval
            self._lengthened = True

    def settle_burst(self) -> int:
        """Make a burst that was lengthened, and is under way, the ordinary one that `elapsed` lies
        in; returns the cycles of those before it, which are now over."""
        if not self._lengthened:
            return 0
        self._lengthened = False
        first, interval = self.cycles_to_poll, self.model.poll_interval
        if self.elapsed < first:
            self.burst = first
            return 0
        over = first + (self.elapsed - first) // interval * interval
        self.base += over * self.model.nanoseconds_per_cycle
        self.run_cycles += over
        self.elapsed -= over
        self.burst = self.cycles_to_poll = interval
        return over

    def end_burst_early(self) -> None:
        """End the burst after the cycle that is being executed."""
        if self.in_burst and not self.jump:
            self.burst = min(self.burst, self.elapsed + 1)

    def end_burst(self) -> bool:
        """Commit the burst's cycles and dispatch what is due; True when it is time to poll."""
        self.in_burst = self._lengthened = False
        elapsed, self.elapsed = self.elapsed, 0
        if self.jump:
            self.base += self.jump
            self.jump = 0
            self._dispatch()
            return False
        self.base += elapsed * self.model.nanoseconds_per_cycle
        self.run_cycles += elapsed
        self.cycles_to_poll -= elapsed
        poll = self.cycles_to_poll <= 0
        if poll:
            self.cycles_to_poll = self.model.poll_interval
        self._dispatch()
        return poll

    def begin_jump(self, nanoseconds: int, *, exactly: bool = False) -> None:
        """Begin a burst of `nanoseconds` in which every processor idles; `burst` is its length in
        whole cycles (nothing is dispatched before `end_burst`). `exactly`: also where the model
        would make it longer."""
        total = nanoseconds + self.idle_remainder
        self.burst, self.idle_remainder = divmod(total, self.model.nanoseconds_per_cycle)
        # The time that passes is what was asked for; the remainder only carries cycles over.
        twice = self.model.idle_remainder_counts_twice and not exactly
        self.jump = total if twice else nanoseconds
        self.elapsed = 0
        self.in_burst = True

    @property
    def jumping(self) -> bool:
        """Whether the burst is an idle jump."""
        return self.in_burst and self.jump > 0

    def idle(self, cycles: int) -> None:
        """Account for `cycles` of this burst in which every processor idles."""
        self.elapsed += cycles
        self.idle_cycles += cycles

    def save(self) -> ClockState:
        # A lengthened burst is settled before its state is looked at, unless nothing of it has run.
        burst = min(self.burst, self.cycles_to_poll) if self._lengthened else self.burst
        return made_of(ClockState, self, burst=burst, events=list(self.events))

    def _check(self, state: ClockState) -> None:
        cycle = self.model.nanoseconds_per_cycle
        longest = self.model.longest_burst
        if state.jump:
            longest = state.jump // cycle + 2
        possible = (
            state.elapsed <= state.burst
            and (state.burst <= longest or not state.in_burst)
            and (state.in_burst or not (state.jump or state.elapsed))
            and state.base + max(state.elapsed * cycle, state.jump) <= LATEST
            and state.cycles_to_poll <= self.model.poll_interval
            and state.idle_remainder < cycle
        )
        if not possible:
            raise ValueError("an impossible time")

    def load(self, state: ClockState) -> None:
        """Take over a saved state; ValueError when an event's owner is not registered, or when no
        clock can have come to be like this, StateError for an event that its owner cannot have."""
        self._check(state)
        for event in state.events:
            if event.owner not in self._owners:
                raise ValueError(f"an event for {event.owner!r}, which this machine has not")
            self._owners[event.owner].check_event(event.name, event.argument)
        for name in ClockState.__struct_fields__:
            setattr(self, name, getattr(state, name))
        self.events = sorted(state.events, key=_order)
        self._lengthened = False
