"""The DS1287: a calendar, a periodic interrupt, and 50 bytes of memory.

Dallas Semiconductor, DS1287 Real Time Clock, data sheet. One byte register a word. There are no
alarms, and no interrupts at the end of a second.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, ClassVar

import msgspec

from kseg.devices.device import Device, Register
from kseg.engine.codegen.typed import u64
from kseg.machine.event_queue import Count, Event, Word

A, B, C, D = 0x0A, 0x0B, 0x0C, 0x0D
SECONDS, MINUTES, HOURS, WEEKDAY, DAY, MONTH, YEAR = 0, 2, 4, 6, 7, 8, 9
TIME = (SECONDS, MINUTES, HOURS, WEEKDAY, DAY, MONTH, YEAR)
CELLS = 64

PERIODIC = 1 << 6
"""B: the periodic interrupt is on; C: it is there."""
INTERRUPTS = 1 << 7
"""C: some interrupt is there, which is on."""
SET = 1 << 7
"""B: the calendar stands, for being set."""
BINARY = 1 << 2
VALID = 1 << 7
"""D: the battery is good."""
RUNNING = 2
"""A, bits 6:4: the oscillator."""

EPOCH_YEAR = 1928
"""The year in which the year register is 0: kernels for DECstations have 72 stand for 2000."""
SECOND = 1_000_000_000


class Ds1287State(msgspec.Struct):
    a: Word = 0
    b: Word = BINARY | 2
    flags: Word = 0
    next_tick: Count = 0
    """When the periodic interrupt comes next, in ns; 0: never."""
    memory: Annotated[bytes, msgspec.Meta(min_length=CELLS, max_length=CELLS)] = bytes(CELLS)
    """Cells that only keep what is written; the time, while it is being set."""


class Ds1287(Device):
    """The clock; the interrupts of its rate come exactly as often as it says."""

    name = "ds1287"
    merges_narrow_stores = False
    State = Ds1287State
    state: Ds1287State
    keeps_time = True
    events: ClassVar[Mapping[str, range]] = {"tick": range(1)}
    registers: ClassVar = (
        Register(
            0,
            "cell",
            "0, 2, 4, 6 to 9: second, minute, hour, day of the week, day, month, year; 10: bits 3:0"
            " the rate of the periodic interrupt; 11: bit 6 switches it on, bit 7 stops the time to"
            " be set, bit 2 binary instead of BCD; 12: what interrupts, reading acknowledges; 13:"
            " valid; others are memory",
            read_has_side_effects=True,
            count=CELLS,
            stride=4,
        ),
    )

    # The periodic interrupt.

    @property
    def period(self) -> u64:
        """ns; 0: there is none."""
        rate = self.state.a & 0xF
        if rate == 0 or self.state.a >> 4 & 7 != RUNNING:
            return 0
        # The two highest rates of the divider are the same as two lower ones.
        shift = rate + 6 if rate < 3 else rate - 1
        return u64((1 << shift) * SECOND) // 32768

    def on_tick(self, _argument: int) -> None:
        period = self.period
        if not period:
            return
        self.state.flags |= PERIODIC
        self.interrupt = self.state.b & PERIODIC != 0
        # A period after the last one was due, not after now. A saved state may say anything.
        now = self.clock.now
        due = self.state.next_tick + period
        if not now < due <= now + period:
            due = now + period
        self.state.next_tick = due
        self.schedule(due - now, "tick")

    def _set_rate(self, value: int) -> None:
        before = self.period
        self.state.a = value & 0x7F
        if self.period != before:
            self.drop_oldest("tick")
            self.state.next_tick = 0
            if self.period:
                self.state.next_tick = self.clock.now + self.period
                self.schedule(self.period, "tick")

    @property
    def expiry(self) -> Event | None:
        return next((each for each in self.clock.pending if each.owner == self.owner), None)

    # Cells.

    def read_cell(self, number: int) -> int:
        value = self.peek_cell(number)
        if number == C:
            self.state.flags = 0
            self.interrupt = False
        return value

    def peek_cell(self, number: int) -> int:
        state = self.state
        if number == A:
            return state.a
        if number == B:
            return state.b
        if number == C:
            return state.flags | (INTERRUPTS if state.flags & state.b & PERIODIC else 0)
        if number == D:
            return VALID
        if number in TIME and not state.b & SET:
            return self._times()[number]
        return state.memory[number]

    def write_cell(self, number: int, value: int) -> None:
        value &= 0xFF
        if number == A:
            self._set_rate(value)
        elif number == B:
            self._write_b(value)
        elif number in TIME and not self.state.b & SET:
            self._keep_times()
            self._keep(number, value)
            self._set_clock()
        elif number not in (C, D):
            self._keep(number, value)

    def _write_b(self, value: int) -> None:
        before, self.state.b = self.state.b, value
        if value & SET and not before & SET:
            self._keep_times()
        elif before & SET and not value & SET:
            self._set_clock()
        self.interrupt = self.state.flags & value & PERIODIC != 0

    def _keep(self, number: int, value: int) -> None:
        memory = bytearray(self.state.memory)
        memory[number] = value
        self.state.memory = bytes(memory)

    # The calendar.

    def _times(self) -> dict[int, int]:
        """The time as its registers show it."""
        now = datetime.fromtimestamp(self.clock.seconds, UTC)
        time = (now.second, now.minute, now.hour)
        date = (now.isoweekday() % 7 + 1, now.day, now.month, (now.year - EPOCH_YEAR) % 100)
        return {cell: self._coded(value) for cell, value in zip(TIME, (*time, *date), strict=True)}

    def _coded(self, value: int) -> int:
        return value if self.state.b & BINARY else value // 10 << 4 | value % 10

    def _keep_times(self) -> None:
        for cell, value in self._times().items():
            self._keep(cell, value)

    def _set_clock(self) -> None:
        """Take over a time that was set, if it is one."""
        binary = self.state.b & BINARY
        cells = self.state.memory
        said = [cells[n] if binary else cells[n] // 16 * 10 + cells[n] % 16 for n in TIME]
        second, minute, hour, _, day, month, year = said
        with suppress(ValueError, OverflowError):
            then = datetime(EPOCH_YEAR + year, month, day, hour, minute, second, tzinfo=UTC)
            self.clock.set_seconds(max(int(then.timestamp()), 0) & 0xFFFFFFFF)

    def describe(self) -> list[str]:
        return [
            "DS1287 clock",
            f"    A 0x{self.state.a:02x}, B 0x{self.state.b:02x}, C 0x{self.peek_cell(C):02x}",
        ]
