"""The typist: types into a guest's console no faster than the guest takes it.

A serial line has no way to say "wait". A guest that is busy puts what comes into a buffer of its
own and drops what does not fit: OS/161 keeps 32 characters. So a script that is simply poured
into a machine loses lines as soon as one of its commands takes a while.

A person waits for the echo. So does the typist. The next character goes in when the guest

* has echoed the last one, or
* rests (every processor waits, and only a clock is about to wake one) and has printed something
  since, or has rested for `PATIENCE` (it may read without echo, or sleep), or
* does not rest, but has printed something and nothing more for `PATIENCE`, or nothing at all for
  `BUSY_PATIENCE`.

All of this depends on the machine alone, so a script that is there from the start is typed at the
same cycles in every run. Typed Python: where nothing else has to look on, the burst loop types
natively (`lend`, `take_back`).
"""

import ctypes
from typing import Annotated

from kseg.engine.codegen.typed import Structure, i32, through, u8, u32, u64
from kseg.machine.clock import EventClock

PATIENCE = 500_000_000
"""Virtual ns after which a guest that has nothing to say is given more."""
BUSY_PATIENCE = 10_000_000_000
"""The same for one that has not answered and may still be at work."""

NOTHING = -1
"""No character."""
ROOM = 1024
"""Characters that are typed natively at a time."""


class Typist(Structure):
    """What it knows of the guest's answer, and what native code types of what waits."""

    typed: i32
    """The last character typed, until the guest prints something."""
    echoed: bool
    answered: bool
    quiet_since: u64
    """Virtual time of the last character, either way."""
    place: u32
    """How many of `characters` have been typed."""
    count: u32
    characters: Annotated[ctypes.Array[ctypes.c_uint8], ROOM]
    arriving: i32
    """What native code has typed and the guest has not received."""
    receiver: u64
    """The native function of the console's receiver, and its device; 0: there is none."""
    device: u64

    def __init__(self) -> None:
        super().__init__(typed=NOTHING, answered=True, arriving=NOTHING)
        self.waiting = bytearray()
        """What is still to be typed."""

    def heard(self, character: u32, now: u64) -> None:
        """The guest prints this."""
        if self.typed >= 0:
            typed = u8(self.typed)
            self.answered = True
            self.echoed = typed == character or (ends_line(typed) and ends_line(u8(character)))
            self.typed = NOTHING
        self.quiet_since = now

    def is_ready(self, clock: EventClock, all_idle: bool) -> bool:
        """Whether the guest is for the next character."""
        if self.echoed:
            return True
        quiet = u64(clock.now - self.quiet_since)
        if all_idle and not clock.devices_work:
            # Without anything due there is no time to pass either: the guest waits for us.
            return self.answered or clock.count == 0 or quiet >= PATIENCE
        return quiet >= (PATIENCE if self.answered else BUSY_PATIENCE)

    def types(self, character: u32, now: u64) -> None:
        """This is typed now."""
        self.typed = i32(character & 0xFF)
        self.echoed = False
        self.answered = False
        self.quiet_since = now

    # What native code types.

    def lend(self) -> None:
        """Let native code type what waits, but for the last character: others have to know when
        nothing waits any more."""
        some = self.waiting[: min(len(self.waiting) - 1, ROOM)]
        self.place, self.count = 0, len(some)
        self.characters[: len(some)] = list(some)

    def take_back(self) -> bytes:
        """What native code has typed and the guest has not received; nothing is lent any more."""
        del self.waiting[: self.place]
        self.place = self.count = 0
        arriving, self.arriving = self.arriving, NOTHING
        return b"" if arriving < 0 else bytes([arriving])

    def type_next(self, clock: EventClock, all_idle: bool) -> bool:
        """Type the next character if the guest is ready for it; False if that is Python's."""
        if self.arriving >= 0 or not self.is_ready(clock, all_idle):
            return True
        if self.place >= self.count:
            return False
        character = self.characters[self.place % ROOM]
        self.place += 1
        self.types(character, clock.now)
        self.arriving = i32(character)
        return True

    def deliver(self) -> None:
        """Let the guest receive what was typed."""
        character = u32(self.arriving & 0xFF)
        self.arriving = NOTHING
        self.receive(self.device, character)

    @through("receiver")
    def receive(self, device: u64, character: u32) -> None:
        """Give the device that has the console a character."""
        raise NotImplementedError


def ends_line(character: u8) -> bool:
    """Whether it is Enter, or how a guest shows that."""
    return character == 0x0D or character == 0x0A
