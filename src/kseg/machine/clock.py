"""The event clock: virtual time, which lets the events of its queue happen.

Time is counted, not measured: it advances by a fixed number of nanoseconds a processor cycle, and
by jumps while every processor idles.

Boards run in *bursts*: the clock says how many cycles may pass before it wants control back, the
run loop lets the engine run that long, and events are dispatched between bursts. `TimeModel` says
how exact that is.

The clock's fields are memory that native code shares, and most of its methods are typed Python
(`kseg.engine.codegen.typed`): devices and the burst loop use it natively.
"""

import ctypes
from typing import Annotated

import msgspec

from kseg.engine.codegen.typed import external, i64, u32, u64
from kseg.machine.event_queue import LATEST, MOST_EVENTS, Count, Event, EventQueue, Word
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


class EventClock(EventQueue):
    """Virtual time in nanoseconds, and the lengths of bursts."""

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
    cycles_to_poll: i64
    in_burst: bool
    lengthened: bool
    # Of the model of time:
    jitter: bool
    late_events: bool
    idle_remainder_counts_twice: bool
    nanoseconds_per_cycle: u32
    longest_burst: u32
    poll_interval: u32
    start_seconds: u32
    start_nanoseconds: u32
    random_address: u64

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

    @property
    def random(self) -> RandomGenerator:
        """Where jitter comes from."""
        return RandomGenerator.from_address(self.random_address)

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

    def cut_burst_at(self, due: u64) -> None:
        """End the burst where an event is due."""
        nanoseconds = max(self.nanoseconds_per_cycle, 1)
        cycles = u64(due - self.base + nanoseconds - 1) // nanoseconds
        self.burst = min(self.burst, max(cycles, u64(self.elapsed + 1)))

    def forget_events(self) -> None:
        """Drop all that is pending, and the burst that is under way."""
        self.base, self.elapsed, self.in_burst, self.jump = self.now, 0, False, 0
        self.lengthened = False
        self.count = 0
        self.head_cuts_burst = False

    def bring_forward(self, event: Event) -> None:
        """Let a pending event happen now, before it is due."""
        self.remove(self._place_of(event))
        owner = self.owners.number(event.owner)
        self.owners.targets[owner].on_event(event.name, event.argument)

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
        self.check(state.events)
        for name in ClockState.__struct_fields__:
            if name != "events":
                setattr(self, name, getattr(state, name))
        self.fill(state.events)
        self.lengthened = False
