"""The event clock: virtual time, and what will happen when.

Time is counted, not measured: it advances by a fixed number of nanoseconds a processor cycle, and
by jumps while every processor idles. Events are plain data dispatched to a named owner, so that
the queue is part of a saved state.

Boards run in *bursts*: the clock says how many cycles may pass before it wants control back, the
run loop lets the engine run that long, and events are dispatched between bursts. `TimeModel` says
how exact that is.

The clock's fields are memory that native code shares, and most of its methods are typed Python
(`kseg.engine.codegen.typed`): devices and the burst loop use it natively.
"""

import ctypes
from collections.abc import Sequence
from operator import attrgetter
from typing import Annotated, Protocol, TypeAlias

import msgspec

from kseg.engine.codegen.typed import Structure, external, i64, through, u32, u64
from kseg.machine.random_generator import RandomGenerator
from kseg.machine.state import made_of

SECOND = 1_000_000_000


class TimeModel(msgspec.Struct, frozen=True):
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


class PendingEvent(Structure):
    """An `Event` in the queue: owner and name are numbers (see `EventClock.register`)."""

    due: u64
    sequence: u64
    argument: i64
    owner: u32
    name: u32


ROOM = 64
"""Events for which a clock has room at first."""
MOST_ROOM = 1 << 16
Queue: TypeAlias = Annotated[ctypes.Array[PendingEvent], MOST_ROOM]
"""As far as a text can know: there is room for `EventClock.room` of them."""
_Queue = PendingEvent * MOST_ROOM


@external
def lengthening(number: u32, delay: u64) -> u64:
    """The jitter that a random number makes of a delay: 0 to 1 % of it. In floating point and in
    this order: System/161's results to the last bit."""
    return int((number * (delay * 0.01)) / 2147483647.0)


LENGTHENING = """
define internal i64 @lengthening(i32 %number, i64 %delay) alwaysinline {
  %wide = uitofp i64 %delay to double
  %hundredth = fmul double %wide, 0x3F847AE147AE147B
  %random = uitofp i32 %number to double
  %product = fmul double %random, %hundredth
  %quotient = fdiv double %product, 0x41DFFFFFFFC00000
  %whole = fptoui double %quotient to i64
  ret i64 %whole
}
"""
"""The same as LLVM's text."""


class EventOwners:
    """Who owns a clock's events, by number: what CPython needs to know of them."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.targets: list[EventOwner] = []
        self.events: list[list[str]] = []
        """The names of the events of each, by number."""
        self.timekeepers: set[int] = set()

    def number(self, name: str) -> int:
        """That of an owner; ValueError where there is none."""
        if name not in self.names:
            raise ValueError(f"no event owner named {name!r}")
        return self.names.index(name)

    def event(self, owner: int, name: str) -> int:
        """The number of an event of an owner."""
        known = self.events[owner]
        if name not in known:
            known.append(name)
        return known.index(name)


class EventClock(Structure):
    """Virtual time in nanoseconds, the queue of events, and the lengths of bursts."""

    CROWDED = 1024
    """The number of pending events above which an owner must not add to its own (System/161
    dies there); see `crowded`."""

    base: u64
    elapsed: u64
    """Cycles into the burst; the run loop keeps it up to date while a burst runs."""
    burst: u64
    """Cycles at which the burst ends."""
    run_cycles: u64
    """Cycles of all bursts that have ended, with the idle end of a burst."""
    idle_cycles: u64
    """Cycles in which every processor idled, in the idle end of a burst or in a jump."""
    jump: u64
    idle_remainder: u64
    sequence: u64
    cycles_to_poll: i64
    in_burst: bool
    lengthened: bool
    head_cuts_burst: bool
    # Of the model of time:
    jitter: bool
    late_events: bool
    idle_remainder_counts_twice: bool
    nanoseconds_per_cycle: u32
    longest_burst: u32
    poll_interval: u32
    start_seconds: u32
    start_nanoseconds: u32
    count: u32
    """Of the events that are pending."""
    room: u32
    """For how many the queue has room."""
    queue_address: u64
    random_address: u64
    make_room: u64
    """A native function that calls `grow`."""

    def __init__(self, model: TimeModel, random: RandomGenerator, epoch: int = 0) -> None:
        """Start at time 0 plus the model's random start; `epoch` is what the calendar clock shows
        then, in seconds since 1970."""
        super().__init__(
            base=random.next() % model.random_start if model.random_start else 0,
            jitter=model.jitter,
            late_events=model.late_events,
            idle_remainder_counts_twice=model.idle_remainder_counts_twice,
            nanoseconds_per_cycle=model.nanoseconds_per_cycle,
            longest_burst=model.longest_burst,
            poll_interval=model.poll_interval,
            cycles_to_poll=model.poll_interval,
            start_seconds=epoch & 0xFFFFFFFF,
            random_address=ctypes.addressof(random),
        )
        self.model = model
        self.random_source = random
        self.owners = EventOwners()
        self._queue = (PendingEvent * 0)()
        self._make_room(ROOM)

    @property
    def random(self) -> RandomGenerator:
        """Where jitter comes from."""
        return RandomGenerator.from_address(self.random_address)

    @property
    def queue(self) -> Queue:
        """What will happen, in order: `count` events."""
        return _Queue.from_address(self.queue_address)

    # Time.

    @property
    def now(self) -> u64:
        """Virtual time in ns: in a burst, the start of the cycle that is being executed."""
        return u64(self.base + self.elapsed * self.nanoseconds_per_cycle)

    # The calendar clock: seconds since 1970 and nanoseconds, 32 bits each.

    @property
    def seconds(self) -> u32:
        """What the calendar clock shows."""
        carried = self.nanoseconds_shown > SECOND
        return u32(self.now // SECOND + self.start_seconds + carried)

    @property
    def nanoseconds(self) -> u32:
        """The rest of what it shows."""
        shown = self.nanoseconds_shown
        # Not >=: a nanosecond count of exactly a second can be seen, as on System/161.
        return u32(shown - SECOND) if shown > SECOND else shown

    @property
    def nanoseconds_shown(self) -> u32:
        """The nanoseconds, before what is a second is carried over."""
        return u32(self.now % SECOND + self.start_nanoseconds)

    def time_of_day(self) -> tuple[int, int]:
        """Both."""
        return self.seconds, self.nanoseconds

    @property
    def start(self) -> tuple[int, int]:
        """What the calendar clock showed, or should have shown, at virtual time 0."""
        return self.start_seconds, self.start_nanoseconds

    def set_seconds(self, seconds: u32) -> None:
        """Set the calendar clock's seconds."""
        self.start_seconds = u32(seconds - self.now // SECOND)

    def set_nanoseconds(self, nanoseconds: u32) -> None:
        """Set the calendar clock's nanoseconds."""
        self.start_nanoseconds = u32(nanoseconds - self.now % SECOND)

    # Events.

    def register(
        self,
        name: str,
        owner: EventOwner,
        events: Sequence[str] = (),
        *,
        keeps_time: bool = False,
    ) -> int:
        """Let events for `name` go to `owner`, and say which number it has; `events` are the names
        of its own, by number. `keeps_time`: they say nothing about what the guest waits for, as
        those of a clock."""
        owners = self.owners
        if name in owners.names:
            raise ValueError(f"two event owners named {name!r}")
        owners.names.append(name)
        owners.targets.append(owner)
        owners.events.append(list(events))
        number = len(owners.names) - 1
        if keeps_time:
            owners.timekeepers.add(number)
        return number

    def schedule(self, delay: int, owner: str, name: str, argument: int = 0) -> None:
        """Call `owner`'s `on_event(name, argument)` in `delay` ns (and the model's jitter)."""
        number = self.owners.number(owner)
        self.add(delay, number, self.owners.event(number, name), argument)

    def add(self, delay: u64, owner: u32, name: u32, argument: i64) -> None:
        """The same, for an owner and a name by number."""
        if self.jitter:
            delay = u64(delay + lengthening(self.random.next(), delay))
        due = u64(self.now + delay)
        queue = self.queue
        first = self.count == 0 or due < queue[0].due
        if first and self.in_burst:
            if not self.late_events:
                self.cut_burst_at(due)
            elif self.head_cuts_burst:
                self.end_burst_early()
        if first and self.count:
            self.head_cuts_burst = False
        self.insert(due, owner, name, argument)

    def insert(self, due: u64, owner: u32, name: u32, argument: i64) -> None:
        """Put an event into the queue, behind those of the same time."""
        if self.count >= self.room:
            self.grow()
        queue = self.queue
        place: i64 = self.count
        while place > 0:
            before = queue[(place - 1) % MOST_ROOM]
            if before.due <= due:
                break
            event = queue[place % MOST_ROOM]
            event.due, event.sequence, event.argument = before.due, before.sequence, before.argument
            event.owner, event.name = before.owner, before.name
            place = i64(place - 1)
        event = queue[place % MOST_ROOM]
        event.due, event.sequence, event.argument = due, self.sequence, argument
        event.owner, event.name = owner, name
        self.sequence += 1
        self.count += 1

    def remove(self, place: u32) -> None:
        """Take an event out of the queue."""
        if place == 0:
            self.head_cuts_burst = False
        self.count -= 1
        queue = self.queue
        for number in range(place % MOST_ROOM, self.count % MOST_ROOM):
            event, after = queue[number], queue[(number + 1) % MOST_ROOM]
            event.due, event.sequence, event.argument = after.due, after.sequence, after.argument
            event.owner, event.name = after.owner, after.name

    @through("make_room")
    def grow(self) -> None:
        """The queue is full: have room for twice as many."""
        self._make_room(2 * self.room)

    def _make_room(self, room: int) -> None:
        if room > MOST_ROOM:
            raise OverflowError(f"more than {MOST_ROOM} pending events")
        queue = (PendingEvent * room)()
        ctypes.memmove(queue, self._queue, ctypes.sizeof(self._queue))
        self._queue, self.room, self.queue_address = queue, room, ctypes.addressof(queue)

    def cut_burst_at(self, due: u64) -> None:
        """End the burst where an event is due."""
        nanoseconds = max(self.nanoseconds_per_cycle, 1)
        cycles = u64(due - self.base + nanoseconds - 1) // nanoseconds
        self.burst = min(self.burst, max(cycles, u64(self.elapsed + 1)))

    @property
    def crowded(self) -> bool:
        """Whether the guest has made so many events pend that owners must stop adding."""
        return self.count >= self.CROWDED

    def drop_oldest(self, owner: u32, name: u32) -> None:
        """Forget the event of this owner and name that was scheduled first, if there is one."""
        queue = self.queue
        oldest: u64 = self.sequence
        found: i64 = -1
        for place in range(self.count % MOST_ROOM):
            event = queue[place]
            if event.owner == owner and event.name == name and event.sequence < oldest:
                oldest, found = event.sequence, place
        if found >= 0:
            self.remove(u32(found))

    def forget_events(self) -> None:
        """Drop all that is pending, and the burst that is under way."""
        self.base, self.elapsed, self.in_burst, self.jump = self.now, 0, False, 0
        self.lengthened = False
        self.count = 0
        self.head_cuts_burst = False

    def _place_of(self, event: Event) -> int:
        return self.pending.index(event)

    def replace(self, event: Event, other: Event) -> None:
        """Let another event of the same time take the place of one that is pending."""
        self._put(self._place_of(event), other)

    def bring_forward(self, event: Event) -> None:
        """Let a pending event happen now, before it is due."""
        self.remove(self._place_of(event))
        owner = self.owners.number(event.owner)
        self.owners.targets[owner].on_event(event.name, event.argument)

    def _put(self, place: int, event: Event) -> None:
        number = self.owners.number(event.owner)
        name = self.owners.event(number, event.name)
        self._queue[place] = PendingEvent(event.due, event.sequence, event.argument, number, name)

    @property
    def next_due(self) -> int | None:
        """When the next event is due, or None."""
        return self.queue[0].due if self.count else None

    @property
    def pending(self) -> list[Event]:
        """What will happen, in order."""
        owners = self.owners
        return [
            Event(
                each.due,
                each.sequence,
                owners.names[each.owner],
                owners.events[each.owner][each.name],
                each.argument,
            )
            for each in self._queue[: self.count]
        ]

    @property
    def devices_work(self) -> bool:
        """Whether anything but clocks is about to happen."""
        timekeepers = self.owners.timekeepers
        return not all(each.owner in timekeepers for each in self._queue[: self.count])

    def dispatch(self) -> None:
        """Dispatch what is due, also what handlers schedule for now."""
        while self.is_due:
            event = self.queue[0]
            owner, name, argument = event.owner, event.name, event.argument
            self.remove(0)
            self.owners.targets[owner].on_event(self.owners.events[owner][name], argument)

    @property
    def is_due(self) -> bool:
        """Whether the first event is to be dispatched."""
        return self.count != 0 and self.queue[0].due <= self.now

    # Bursts.

    def begin_burst(self) -> None:
        """Decide how long processors run now: until the next event or poll."""
        length: u64 = self.longest_burst
        if self.count:
            nanoseconds, due = max(self.nanoseconds_per_cycle, 1), self.queue[0].due
            delay = u64(due - self.base)
            if due <= self.base:
                length = 0
            elif delay < u64(length * nanoseconds):
                self.head_cuts_burst = True
                # Rounded up, or an event less than a cycle away would never come.
                length = u64(delay + nanoseconds - 1) // nanoseconds
        self.elapsed = 0
        self.burst = min(length, u64(self.cycles_to_poll))
        self.in_burst = True

    def lengthen_burst(self, most: u64) -> None:
        """Let the burst that has just begun go on for up to `most` cycles, over polls at which
        nothing will come in and over bursts that no event cuts short.

        Nothing can tell, as long as no device is reached; `settle_burst` comes before that.
        """
        interval, first = max(self.poll_interval, 1), self.burst
        if first != u64(self.cycles_to_poll) or interval > self.longest_burst or most < first:
            return
        more: u64 = u64(most - first) // interval
        if self.count:
            nanoseconds = max(self.nanoseconds_per_cycle, 1)
            until_due = u64(self.queue[0].due - self.base) // nanoseconds
            # The last one must begin where the event would not have cut it short.
            last_begin = i64(until_due - self.longest_burst - first)
            if last_begin < 0:
                return
            more = min(more, u64(u64(last_begin) // interval + 1))
        if more:
            self.burst = u64(first + more * interval)
            self.lengthened = True

    def settle_burst(self) -> u64:
        """Make a burst that was lengthened, and is under way, the ordinary one that `elapsed` lies
        in; returns the cycles of those before it, which are now over."""
        if not self.lengthened:
            return 0
        self.lengthened = False
        first, interval = u64(self.cycles_to_poll), max(self.poll_interval, 1)
        if self.elapsed < first:
            self.burst = first
            return 0
        over = u64(first + u64(self.elapsed - first) // interval * interval)
        self.base += over * self.nanoseconds_per_cycle
        self.run_cycles += over
        self.elapsed -= over
        self.burst, self.cycles_to_poll = interval, interval
        return over

    def end_burst_early(self) -> None:
        """End the burst after the cycle that is being executed."""
        if self.in_burst and not self.jump:
            self.burst = min(self.burst, u64(self.elapsed + 1))

    def end_burst(self) -> bool:
        """Commit the burst's cycles and dispatch what is due; True when it is time to poll."""
        poll = self.commit_burst()
        self.dispatch()
        return poll

    def commit_burst(self) -> bool:
        """Commit the burst's cycles; True when it is time to poll. What is due is to be dispatched
        next."""
        self.in_burst, self.lengthened = False, False
        elapsed = self.elapsed
        self.elapsed = 0
        if self.jump:
            self.base += self.jump
            self.jump = 0
            return False
        self.base += elapsed * self.nanoseconds_per_cycle
        self.run_cycles += elapsed
        self.cycles_to_poll -= elapsed
        if self.cycles_to_poll > 0:
            return False
        self.cycles_to_poll = self.poll_interval
        return True

    def begin_jump(self, nanoseconds: u64, exactly: bool) -> None:
        """Begin a burst of `nanoseconds` in which every processor idles; `burst` is its length in
        whole cycles (nothing is dispatched before `end_burst`). `exactly`: also where the model
        would make it longer."""
        total = u64(nanoseconds + self.idle_remainder)
        cycle = max(self.nanoseconds_per_cycle, 1)
        self.burst, self.idle_remainder = total // cycle, total % cycle
        # The time that passes is what was asked for; the remainder only carries cycles over.
        twice = self.idle_remainder_counts_twice and not exactly
        self.jump = total if twice else nanoseconds
        self.elapsed = 0
        self.in_burst = True

    @property
    def jumping(self) -> bool:
        """Whether the burst is an idle jump."""
        return self.in_burst and self.jump > 0

    def idle(self, cycles: u64) -> None:
        """Account for `cycles` of this burst in which every processor idles."""
        self.elapsed += cycles
        self.idle_cycles += cycles

    def save(self) -> ClockState:
        # A lengthened burst is settled before its state is looked at, unless nothing of it has run.
        burst = min(self.burst, self.cycles_to_poll) if self.lengthened else self.burst
        return made_of(ClockState, self, burst=burst, events=self.pending)

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
            if event.owner not in self.owners.names:
                raise ValueError(f"an event for {event.owner!r}, which this machine has not")
            number = self.owners.number(event.owner)
            self.owners.targets[number].check_event(event.name, event.argument)
        for name in ClockState.__struct_fields__:
            if name != "events":
                setattr(self, name, getattr(state, name))
        self.count = len(state.events)
        while self.room < self.count:
            self.grow()
        for place, event in enumerate(sorted(state.events, key=attrgetter("due", "sequence"))):
            self._put(place, event)
        self.lengthened = False
