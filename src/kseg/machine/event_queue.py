"""The event queue: what will happen when, and to whom.

Events are plain data dispatched to a named owner, so that the queue is part of a saved state. While
a machine runs, owners and names are numbers, in memory that native code shares.
"""

import ctypes
from collections.abc import Sequence
from operator import attrgetter
from typing import Annotated, Protocol, TypeAlias

import msgspec

from kseg.engine.codegen.typed import Structure, i64, through, u32, u64

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
OWNERS_TOLD = 64
"""Owners that are told apart where it is about who keeps time: more than boards have slots."""
Queue: TypeAlias = Annotated[ctypes.Array[PendingEvent], MOST_ROOM]
"""As far as a text can know: there is room for `EventClock.room` of them."""
_Queue = PendingEvent * MOST_ROOM


class EventOwners:
    """Who owns a clock's events, by number: what CPython needs to know of them."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.targets: list[EventOwner] = []
        self.events: list[list[str]] = []
        """The names of the events of each, by number."""

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


class EventQueue(Structure):
    """Pending events, in order. Typed Python, but for what is about owners and saved states."""

    CROWDED = 1024
    """The number of pending events above which an owner must not add to its own (System/161
    dies there); see `crowded`."""

    count: u32
    """Of the events that are pending."""
    sequence: u64
    """The next one's."""
    room: u32
    """For how many the queue has room."""
    queue_address: u64
    make_room: u64
    """A native function that calls `grow`."""
    timekeepers: u64
    """A bit for each owner whose events say nothing of what the guest waits for."""
    head_cuts_burst: bool
    """The burst under way ends where the first event is due."""

    def __init__(self, **fields: int) -> None:
        super().__init__(**fields)
        self.owners = EventOwners()
        self._queue = (PendingEvent * 0)()
        self._make_room(ROOM)

    @property
    def queue(self) -> Queue:
        """What will happen, in order: `count` events."""
        return _Queue.from_address(self.queue_address)

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
            self.timekeepers |= 1 << number % OWNERS_TOLD
        return number

    def insert(self, due: u64, owner: u32, name: u32, argument: i64) -> None:
        """Put an event into the queue, behind those of the same time."""
        if self.count >= self.room:
            self.grow()
        if self.count >= self.room:
            return  # Native code goes on to where it can raise what `grow` has raised.
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

    def _place_of(self, event: Event) -> int:
        return self.pending.index(event)

    def replace(self, event: Event, other: Event) -> None:
        """Let another event of the same time take the place of one that is pending."""
        self._put(self._place_of(event), other)

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
        queue = self.queue
        for place in range(self.count % MOST_ROOM):
            if not self.timekeepers >> queue[place].owner % OWNERS_TOLD & 1:
                return True
        return False

    def check(self, events: Sequence[Event]) -> None:
        """Raise ValueError where the owner of an event is not registered, StateError where it
        cannot have such a one."""
        for event in events:
            if event.owner not in self.owners.names:
                raise ValueError(f"an event for {event.owner!r}, which this machine has not")
            number = self.owners.number(event.owner)
            self.owners.targets[number].check_event(event.name, event.argument)

    def fill(self, events: Sequence[Event]) -> None:
        """Have these pending, and no others."""
        self.count = len(events)
        while self.room < self.count:
            self.grow()
        for place, event in enumerate(sorted(events, key=attrgetter("due", "sequence"))):
            self._put(place, event)
