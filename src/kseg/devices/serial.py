"""The serial console: a character register and two interrupt registers.

System/161 manual, "Serial console". A character takes 20,833 ns: 19,200 bits a second, made 25
times as fast so that nobody has to wait for it.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar

import msgspec

from kseg.devices.device import Device, Register
from kseg.engine.codegen.typed import by_python, u32, u64
from kseg.machine.event_queue import Count, Word

CHARACTER_TIME = 1_000_000_000 // (19200 * 25 // 10)
"""ns."""

ENABLE = 1
READY = 2
FORCE = 4

RING_SIZE = 512
"""Received characters that wait for the guest, and one slot that stays free."""

PATIENCE = 1_000_000_000 // CHARACTER_TIME
"""Character times after which the user is told that the guest does not read."""


class SerialState(msgspec.Struct):
    character: Word = 0
    was_read: bool = True
    receive: Word = 0
    transmit: Word = 0
    sending: bool = False
    receiving: bool = False
    held: Count = 0
    waiting: Annotated[bytes, msgspec.Meta(max_length=RING_SIZE - 1)] = b""


class Serial(Device):
    """The console: the last serial card configured gets the input, all share the output."""

    name = "serial"
    identity = 4
    revision = 1
    State = SerialState
    state: SerialState
    events: ClassVar[Mapping[str, range]] = {"sent": range(1), "received": range(1)}
    registers = (
        Register(
            0x0,
            "character",
            "writing sends its low byte, unless one is still on its way; reading takes what came",
            read_has_side_effects=True,
        ),
        Register(
            0x4,
            "transmit",
            "bit 0: interrupt when sent; bit 1: sent (software clears it); bit 2: interrupt now",
            steady=True,
        ),
        Register(
            0x8,
            "receive",
            "bit 0: interrupt when a character is there; bit 1: one is there (reading the character"
            " or clearing this bit lets the next one come); bit 2: interrupt now",
            steady=True,
        ),
    )

    def reset(self) -> None:
        super().reset()
        self.context.input_port.attach("console", self)

    # Output.

    def write_character(self, value: u32) -> None:
        """Send, unless a character is still on its way: then this one is lost."""
        if self.state.sending:
            return
        self.state.sending = True
        self.print_character(value & 0xFF)
        self.schedule(CHARACTER_TIME, "sent")

    def on_sent(self, _argument: int) -> None:
        self.state.sending = False
        self.state.transmit |= READY
        self._update_interrupt()

    def write_transmit(self, value: u32) -> None:
        self.state.transmit = value & (ENABLE | READY | FORCE)
        self._update_interrupt()

    # Input.

    def can_receive(self) -> bool:
        return len(self.state.waiting) < RING_SIZE - 1

    def receive(self, data: bytes) -> None:
        for character in data:
            self.take_character(character)

    def take_character(self, character: u32) -> None:
        """A character is received. While none is being received, none waits."""
        if self.state.receiving or self.state.held or self._is_full:
            self._keep(character)
        else:
            self._show(character)
            self.schedule(CHARACTER_TIME, "received")

    def on_received(self, _argument: int) -> None:
        self._present()

    @property
    def _is_full(self) -> bool:
        """Whether the guest has not taken what is in the register."""
        return not self.state.was_read and self.state.receive & READY != 0

    def _show(self, character: u32) -> None:
        """Put a character into the register."""
        self.state.character = character
        self.state.was_read = False
        self.state.receive |= READY
        self._update_interrupt()
        self.state.receiving = True

    @by_python
    def _keep(self, character: u64) -> None:
        if self.can_receive():
            self.state.waiting += bytes([character])
        if not self.state.receiving:
            self._present()

    @by_python
    def _present(self) -> None:
        """Put the next character that waits into the register, if the guest took the last one."""
        if not self.state.waiting:
            self.state.receiving = False
            return
        if self._is_full:
            self.state.held += 1
            if self.state.held == PATIENCE:
                self.message("Kernel not responding; console input suspended")
        else:
            if self.state.held:
                self.message(
                    f"Held up to {self.state.held} input characters while kernel unresponsive"
                )
                self.state.held = 0
            self._show(self.state.waiting[0])
            self.state.waiting = self.state.waiting[1:]
        self.schedule(CHARACTER_TIME, "received")

    def read_character(self) -> u32:
        self.state.was_read = True
        self.activity.console_reads += 1
        return self.state.character

    def write_receive(self, value: u32) -> None:
        self.state.receive = value & (ENABLE | READY | FORCE)
        self._update_interrupt()

    def _update_interrupt(self) -> None:
        state = self.state
        self.interrupt = _asserting(state.receive) or _asserting(state.transmit)

    def describe(self) -> list[str]:
        character = self.state.character
        shown = chr(character) if 0x20 <= character < 0x7F else "(?)"
        was = "" if self.state.was_read else "not "
        return [
            f"System/161 serial port rev {self.revision}",
            f"    Last character typed: {shown} ({character}), which was {was}read",
            f"    Read interrupts {_words(self.state.receive)}",
            "    Write in progress" if self.state.sending else "    Ready for writing",
            f"    Write interrupts {_words(self.state.transmit)}",
        ]


def _asserting(register: u32) -> bool:
    return register & ENABLE != 0 and register & (READY | FORCE) != 0


def _words(register: int) -> str:
    return (
        ("active" if register & ENABLE else "inactive")
        + (" (asserted)" if register & READY else "")
        + (" (forced)" if register & FORCE else "")
    )
