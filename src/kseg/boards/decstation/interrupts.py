"""The way of an interrupt to the processor, and the register that has its mask, the CSR.

KN02 specification, "Control and Status Register". Typed Python, which native devices use as well.
"""

from typing import Any, ClassVar

import msgspec

from kseg.boards.decstation.address_map import (
    CASCADE_LINE,
    CLOCK_LINE,
    CLOCK_SLOT,
    ERROR_LINE,
    ERROR_SLOT,
)
from kseg.devices.device import Device, Register
from kseg.devices.lines import LevelLines, Slot, wake
from kseg.engine.codegen.typed import u32, u64
from kseg.engine.state import ProcessorState
from kseg.machine.event_queue import Word

CASCADED = 0xFF
CONTROL = 0xFF00
"""Bits that the CSR only keeps: error correction and the like."""
WIRED = CASCADE_LINE | CLOCK_LINE | ERROR_LINE


class CsrState(msgspec.Struct):
    raised: Word = 0
    """A bit a slot."""
    mask: Word = 0
    control: Word = 0


class Interrupts(LevelLines):
    """A `CsrState` as it is now. All lines are levels."""

    mask: u32
    control: u32
    processor_address: u64

    @property
    def processor(self) -> ProcessorState:
        return ProcessorState.from_address(self.processor_address)

    def set_line(self, slot: Slot, level: bool) -> None:
        if self.changes(slot, level):
            self.route()

    def route(self) -> None:
        """Bring the processor's lines up to date."""
        wanted: u32 = 0
        if self.raised & self.mask & CASCADED:
            wanted |= CASCADE_LINE
        if self.raised >> CLOCK_SLOT & 1:
            wanted |= CLOCK_LINE
        if self.raised >> ERROR_SLOT & 1:
            wanted |= ERROR_LINE
        processor = self.processor
        changed = (processor.interrupt_lines ^ wanted) & WIRED
        if changed:
            processor.interrupt_lines ^= changed
            self.processor_line_changed(processor.identity)
            wake(processor)

    def save(self) -> CsrState:
        return CsrState(self.raised, self.mask, self.control)

    def load(self, state: Any) -> None:
        self.raised, self.mask, self.control = state.raised, state.mask, state.control


class Csr(Device):
    """The control and status register. Its state is the bus's `Interrupts`."""

    name = "csr"
    State = CsrState
    state: Interrupts
    registers: ClassVar = (
        Register(
            0,
            "csr",
            "bits 7:0 what interrupts (7 the serial lines; writing only lights LEDs), bits 23:16"
            " which of it may, bits 15:8 are kept",
        ),
    )

    @classmethod
    def live_state(cls) -> type[Any]:
        return Interrupts

    def plug_in(self) -> None:
        self.state = self._bus.lines  # type: ignore[attr-defined]

    def reset(self) -> None:
        self.state.load(CsrState())
        self.state.route()

    def read_csr(self) -> u32:
        state = self.state
        return u32(state.raised & CASCADED | state.control | state.mask << 16)

    def write_csr(self, value: u32) -> None:
        self.state.mask = value >> 16 & CASCADED
        self.state.control = value & CONTROL
        self.state.route()

    def describe(self) -> list[str]:
        state = self.state
        return [
            "KN02 CSR",
            f"    interrupts 0x{state.raised & CASCADED:02x}, mask 0x{state.mask:02x}",
        ]
