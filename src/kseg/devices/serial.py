"""The serial console: a character register and two interrupt registers.

System/161 manual, "Serial console". A character takes 20,833 ns: 19,200 bits a second, made 25
times as fast so that nobody has to wait for it.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import msgspec

from kseg.devices.device import Device, Register
from kseg.machine.clock import Count, Word

CHARACTER_TIME = 1_000_000_000 // (19200 * 25 // 10)
"""ns."""

ENABLE = 1
READY = 2
FORCE = 4

RING_SIZE = 512
"""Received characters that wait for the guest, and one slot that stays free."""

PATIENCE = 1_000_000_000 // CHARACTER_TIME
"""Character times after which the user is told that the guest does not read."""


class SerialState(msgspec.Struct, frozen=True):
    character: Word
    was_read: bool
    receive: Word
    transmit: Word
    sending: bool
    receiving: bool
    held: Count
    waiting: Annotated[bytes, msgspec.Meta(max_length=RING_SIZE - 1)]


class Serial(Device):
    """The console: the last serial card configured gets the input, all share the output."""

    name = "serial"
    identity = 4
    revision = 1
    State = SerialState
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
        self._character = 0
        self._was_read = True
        self._receive = 0
        self._transmit = 0
        self._sending = False
        self._receiving = False
        self._held = 0
        self._waiting = bytearray()
        self.context.input_port.attach("console", self)

    # Output.

    def write_character(self, value: int) -> None:
        """Send, unless a character is still on its way: then this one is lost."""
        if self._sending:
            return
        self._sending = True
        self.activity.console_writes += 1
        self.context.console(bytes([value & 0xFF]))
        self.schedule(CHARACTER_TIME, "sent")

    def read_transmit(self) -> int:
        return self._transmit

    def write_transmit(self, value: int) -> None:
        self._transmit = value & (ENABLE | READY | FORCE)
        self._update_interrupt()

    # Input.

    def can_receive(self) -> bool:
        return len(self._waiting) < RING_SIZE - 1

    def receive(self, data: bytes) -> None:
        """A character is received."""
        self._waiting += data[: RING_SIZE - 1 - len(self._waiting)]
        if not self._receiving:
            self._present()

    def _present(self) -> None:
        """Put the next character that waits into the register, if the guest took the last one."""
        if not self._waiting:
            self._receiving = False
            return
        if not self._was_read and self._receive & READY:
            self._held += 1
            if self._held == PATIENCE:
                self.message("Kernel not responding; console input suspended")
        else:
            if self._held:
                self.message(f"Held up to {self._held} input characters while kernel unresponsive")
                self._held = 0
            self._character = self._waiting.pop(0)
            self._was_read = False
            self._receive |= READY
            self._update_interrupt()
            self._receiving = True
        self.schedule(CHARACTER_TIME, "received")

    def read_character(self) -> int:
        self._was_read = True
        self.activity.console_reads += 1
        return self._character

    def peek_character(self) -> int:
        return self._character

    def read_receive(self) -> int:
        return self._receive

    def write_receive(self, value: int) -> None:
        self._receive = value & (ENABLE | READY | FORCE)
        self._update_interrupt()

    def on_event(self, name: str, _argument: int, /) -> None:
        if name == "sent":
            self._sending = False
            self._transmit |= READY
            self._update_interrupt()
        else:
            self._present()

    def _update_interrupt(self) -> None:
        self.interrupt = _asserting(self._receive) or _asserting(self._transmit)

    def save(self) -> SerialState:
        return SerialState(
            character=self._character,
            was_read=self._was_read,
            receive=self._receive,
            transmit=self._transmit,
            sending=self._sending,
            receiving=self._receiving,
            held=self._held,
            waiting=bytes(self._waiting),
        )

    def load(self, state: Any) -> None:
        self.check_state(state)
        self._character = state.character
        self._was_read = state.was_read
        self._receive = state.receive
        self._transmit = state.transmit
        self._sending = state.sending
        self._receiving = state.receiving
        self._held = state.held
        self._waiting = bytearray(state.waiting)

    def describe(self) -> list[str]:
        character = self._character
        shown = chr(character) if 0x20 <= character < 0x7F else "(?)"
        was = "" if self._was_read else "not "
        return [
            f"System/161 serial port rev {self.revision}",
            f"    Last character typed: {shown} ({character}), which was {was}read",
            f"    Read interrupts {_words(self._receive)}",
            "    Write in progress" if self._sending else "    Ready for writing",
            f"    Write interrupts {_words(self._transmit)}",
        ]


def _asserting(register: int) -> bool:
    return bool(register & ENABLE and register & (READY | FORCE))


def _words(register: int) -> str:
    return (
        ("active" if register & ENABLE else "inactive")
        + (" (asserted)" if register & READY else "")
        + (" (forced)" if register & FORCE else "")
    )
