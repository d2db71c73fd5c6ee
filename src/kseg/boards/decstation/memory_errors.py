"""Where accesses that nothing answers leave their mark: ERRADDR and CHKSYN.

KN02 specification, "Error Address Register". A load from nowhere is a bus error of its instruction;
a store has left for the write buffer by then, and interrupts.
"""

from typing import ClassVar

import msgspec

from kseg.boards.decstation.address_map import SUBSLOT
from kseg.devices.device import Device, Register
from kseg.engine.codegen.typed import u32
from kseg.machine.event_queue import Word

VALID = 1 << 31
BY_PROCESSOR = 1 << 30
WRITING = 1 << 29
WORD_ADDRESS = 0x7FFFFFF


class MemoryErrorState(msgspec.Struct):
    address: Word = 0


class MemoryErrors(Device):
    """The last access that nothing answered."""

    name = "memerr"
    State = MemoryErrorState
    state: MemoryErrorState
    registers: ClassVar = (
        Register(0, "syndrome", "CHKSYN: of the error correction, which finds none", access="r"),
        Register(
            SUBSLOT,
            "address",
            "ERRADDR: bit 31 valid, 30 by the processor, 29 a store; bits 26:0 the physical address"
            " in words. Any store clears it, and the interrupt",
        ),
    )

    def read_syndrome(self) -> u32:
        return 0

    def write_address(self, value: u32) -> None:  # noqa: ARG002
        self.state.address = 0
        self.interrupt = False

    def note(self, address: int, *, writing: bool) -> None:
        """An access to a physical address had no answer; the first since it was cleared counts."""
        if not self.state.address:
            way = VALID | BY_PROCESSOR | (WRITING if writing else 0)
            self.state.address = way | address >> 2 & WORD_ADDRESS
        if writing:
            self.interrupt = True

    def describe(self) -> list[str]:
        return ["KN02 memory errors", f"    ERRADDR 0x{self.state.address:08x}"]
