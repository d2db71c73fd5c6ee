"""The timer card: calendar clock, countdown with interrupt, and a beeper.

System/161 manual, "Timer/clock card".
"""

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from kseg.devices.device import Device, Register
from kseg.engine.codegen.typed import u32, u64
from kseg.errors import GuestFatal
from kseg.machine.event_queue import Event, Word

MICROSECOND = 1000


class TimerState(msgspec.Struct):
    restart: Word = 0
    countdown: Word = 0
    """What was written last, not what remains."""
    generation: Word = 0


class Timer(Device):
    """A countdown in microseconds; each start outdates the one before."""

    name = "timer"
    identity = 2
    revision = 1
    State = TimerState
    state: TimerState
    keeps_time = True
    events: ClassVar[Mapping[str, range]] = {"expired": range(1 << 32)}
    registers = (
        Register(0x00, "seconds", "calendar time, seconds since 1970; writing sets it"),
        Register(0x04, "nanoseconds", "the rest of the calendar time; writing sets it"),
        Register(0x08, "restart", "not 0: a countdown that has ended starts again"),
        Register(
            0x0C,
            "interrupt",
            "1 while the interrupt line is raised; reading lowers it, writing is fatal",
            read_has_side_effects=True,
        ),
        Register(
            0x10,
            "countdown",
            "writing starts a countdown of so many microseconds, in place of one under way;"
            " reads as what was written last",
        ),
        Register(
            0x14, "beep", "writing rings the bell; reading is fatal", read_has_side_effects=True
        ),
        Register(0x18, "reserved", "any access is fatal", read_has_side_effects=True),
        Register(0x1C, "reserved", "any access is fatal", read_has_side_effects=True),
    )

    def read_seconds(self) -> u32:
        return self.clock.seconds

    def write_seconds(self, value: u32) -> None:
        self.clock.set_seconds(value)

    def read_nanoseconds(self) -> u32:
        return self.clock.nanoseconds

    def write_nanoseconds(self, value: u32) -> None:
        self.clock.set_nanoseconds(value)

    def read_interrupt(self) -> u32:
        """Reading lowers the line."""
        raised = self.interrupt
        self.interrupt = False
        return int(raised)

    def peek_interrupt(self) -> int:
        return int(self.interrupt)

    def write_interrupt(self, _value: int) -> None:
        raise GuestFatal("Illegal timer register write")

    def write_countdown(self, value: u32) -> None:
        self.state.countdown = value
        self._start(value * MICROSECOND)

    def _start(self, delay: u64) -> None:
        self.state.generation = self.state.generation + 1 & 0xFFFFFFFF
        if self.clock.crowded:
            # A guest that keeps restarting a long countdown must not fill the host's memory.
            self.drop_oldest("expired")
        self.schedule(delay, "expired", self.state.generation)

    def on_expired(self, argument: int) -> None:
        if argument != self.state.generation:
            return
        self.interrupt = True
        if self.state.restart:
            # A period of zero would never let the clock go on.
            least = self.clock.nanoseconds_per_cycle
            self._start(max(self.state.countdown * MICROSECOND, least))

    @property
    def expiry(self) -> Event | None:
        for event in self.clock.pending:
            if event.owner == self.owner and event.argument == self.state.generation:
                return event
        return None

    def write_beep(self, _value: int) -> None:
        self.context.control.beep()

    def read_beep(self) -> int:
        raise GuestFatal("Illegal timer register read")

    def peek_beep(self) -> int:
        return 0

    read_reserved = read_beep
    peek_reserved = peek_beep
    write_reserved = write_interrupt

    def describe(self) -> list[str]:
        kind = "restarting" if self.state.restart else "one-shot"
        return [
            f"System/161 timer device rev {self.revision}",
            f"    {self.state.countdown} microseconds, {kind}",
            f"    Generation number: {self.state.generation}",
        ]
