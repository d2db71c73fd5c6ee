"""The DZ11 (DC7085): four serial lines, of which line 3 is the console.

DECstation 5000/200 KN02 specification, "Serial lines"; DZ11 User's Guide. Registers are 16 bits
wide. A character is sent in no time, and a line is ready again at once.
"""

from typing import Annotated, Any, ClassVar

import msgspec

from kseg.devices.device import Device, Register
from kseg.engine.codegen.typed import by_python, u32
from kseg.errors import StateError
from kseg.machine.event_queue import Word

TRANSMITTER_READY = 1 << 15
TRANSMIT_INTERRUPT = 1 << 14
RECEIVER_DONE = 1 << 7
RECEIVE_INTERRUPT = 1 << 6
SCANNING = 1 << 5
CLEAR = 1 << 4
WRITABLE = TRANSMIT_INTERRUPT | RECEIVE_INTERRUPT | SCANNING | 1 << 3
"""The maintenance bit is kept, and does nothing."""

VALID = 1 << 15
RECEIVER_ENABLED = 1 << 12
CONSOLE = 3
LINES = 0xF
MODEM = 0xF00
SILO = 64
"""Received characters that wait."""


class Dz11State(msgspec.Struct):
    csr: Word = 0
    lines: Word = 0
    """TCR: which are to send, and modem lines out."""
    console: Word = 0
    """The last line parameters of line 3."""
    waiting: Annotated[bytes, msgspec.Meta(max_length=SILO)] = b""
    received: Word = 0
    """How many wait."""


class Dz11(Device):
    """What is sent on line 3 is printed, what is typed comes in there; other lines lead nowhere."""

    name = "dz11"
    merges_narrow_stores = False
    State = Dz11State
    state: Dz11State
    registers: ClassVar = (
        Register(
            0x00,
            "csr",
            "bit 15: the line in bits 9:8 can send, 14: and interrupts; bit 7: a character is"
            " there, 6: and interrupts; bit 5: lines are scanned; bit 4: clears all",
        ),
        Register(
            0x08,
            "buffer",
            "reading takes a character: bit 15 there was one, bits 9:8 its line; writing sets a"
            " line's parameters: bits 1:0 which, bit 12 whether it receives",
            read_has_side_effects=True,
        ),
        Register(0x10, "lines", "bits 3:0: lines that are to send; bits 11:8: modem lines out"),
        Register(
            0x18, "data", "writing sends on the line that CSR shows; reads as modem lines in, 0"
        ),
    )

    def reset(self) -> None:
        super().reset()
        self.context.input_port.attach("console", self)

    # Sending.

    @property
    def sender(self) -> u32:
        """The highest line that is to send."""
        lines = self.state.lines
        return 3 if lines & 8 else 2 if lines & 4 else 1 if lines & 2 else 0

    def read_csr(self) -> u32:
        value: u32 = self.state.csr
        if self.state.csr & SCANNING:
            if self.state.lines & LINES:
                value |= u32(TRANSMITTER_READY | (self.sender & 3) << 8)
            if self.state.received:
                value |= RECEIVER_DONE
        return value

    def write_csr(self, value: u32) -> None:
        if value & CLEAR:
            self.clear()
        else:
            self.state.csr = value & WRITABLE
        self.update_interrupt()

    @by_python
    def clear(self) -> None:
        super().reset()

    def write_lines(self, value: u32) -> None:
        self.state.lines = value & (LINES | MODEM)
        self.update_interrupt()

    def read_data(self) -> u32:
        return 0

    def write_data(self, value: u32) -> None:
        state = self.state
        if state.csr & SCANNING and state.lines & LINES and self.sender == CONSOLE:
            self.print_character(value & 0xFF)

    def update_interrupt(self) -> None:
        value = self.read_csr()
        sends = value & TRANSMITTER_READY != 0 and value & TRANSMIT_INTERRUPT != 0
        receives = value & RECEIVER_DONE != 0 and value & RECEIVE_INTERRUPT != 0
        self.interrupt = sends or receives

    # Receiving.

    def write_buffer(self, value: u32) -> None:
        if value & 3 == CONSOLE:
            self.state.console = value & 0x1FFF

    def can_receive(self) -> bool:
        """Whether the guest has switched the receiver on, and there is room."""
        state = self.state
        listens = state.csr & SCANNING and state.console & RECEIVER_ENABLED
        return bool(listens) and state.received < SILO

    def receive(self, data: bytes) -> None:
        self.state.waiting = (self.state.waiting + data)[:SILO]
        self.state.received = len(self.state.waiting)
        self.update_interrupt()

    def read_buffer(self) -> u32:
        if not self.state.received:
            return 0
        self.activity.console_reads += 1
        character = self.take()
        self.update_interrupt()
        return VALID | CONSOLE << 8 | character & 0xFF

    @by_python
    def take(self) -> u32:
        first, self.state.waiting = self.state.waiting[0], self.state.waiting[1:]
        self.state.received -= 1
        return first

    def peek_buffer(self) -> int:
        waiting = self.state.waiting
        return VALID | CONSOLE << 8 | waiting[0] if waiting else 0

    def check_state(self, state: Any) -> None:
        super().check_state(state)
        if state.received != len(state.waiting):
            raise StateError(
                f"{self.owner}: saved as if {state.received} characters wait, and"
                f" {len(state.waiting)} are there"
            )

    def describe(self) -> list[str]:
        state = self.state
        return [
            "DZ11 serial lines",
            f"    csr 0x{self.read_csr():04x}, lines 0x{state.lines:04x}",
            f"    {state.received} characters wait",
        ]
