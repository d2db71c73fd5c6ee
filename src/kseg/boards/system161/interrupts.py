"""The way of an interrupt from a slot of LAMEbus to the processors. Typed Python, which native
devices use as well.

System/161 manual, "LAMEbus", "The bus controller". The registers through which a guest controls
this are those of the card in slot 31 (`kseg.boards.system161.mainboard`), whose state it is.
"""

import ctypes
from typing import Annotated, Any, TypeAlias

import msgspec

from kseg.devices.lines import LevelLines, Slot, wake
from kseg.engine.codegen.typed import below, u32, u64
from kseg.engine.state import ProcessorState
from kseg.machine.board_record import MOST_PROCESSORS
from kseg.machine.event_queue import Word

LAMEBUS_LINE = 0x400
PROCESSOR_LINE = 0x800
"""Interrupt lines as Cause shows them."""

ProcessorNumber: TypeAlias = Annotated[int, below(MOST_PROCESSORS)]
_Processors = ProcessorState * MOST_PROCESSORS


class ProcessorArea(msgspec.Struct):
    """One processor's registers: which slots may interrupt it, and whether another processor
    does."""

    slots: Word = 0xFFFFFFFF
    interrupted: bool = False


class MainboardState(msgspec.Struct):
    """All that routes interrupts: a bit a slot."""

    raised: Word = 0
    enabled: Word = 0xFFFFFFFF
    processors: Annotated[list[ProcessorArea], msgspec.Meta(max_length=MOST_PROCESSORS)] = []
    running: Word = 1
    """What the register of running processors shows: a bit each."""


class Interrupts(LevelLines):
    """A `MainboardState` as it is now, in memory that native code shares."""

    enabled: u32
    running: u32
    count: u32
    """Of the processors."""
    slots: Annotated[ctypes.Array[ctypes.c_uint32], MOST_PROCESSORS]
    interrupted: Annotated[ctypes.Array[ctypes.c_bool], MOST_PROCESSORS]
    processors_address: u64

    @property
    def processors(self) -> Annotated[ctypes.Array[ProcessorState], MOST_PROCESSORS]:
        """As far as there are some."""
        return _Processors.from_address(self.processors_address)

    def set_line(self, slot: Slot, level: bool) -> None:
        if self.changes(slot, level):
            self.route()

    def route(self) -> None:
        """Bring the processors' LAMEbus lines up to date."""
        requests = self.raised & self.enabled
        for number in range(self.count % (MOST_PROCESSORS + 1)):
            processor = self.processors[number]
            level = LAMEBUS_LINE if requests & self.slots[number] else 0
            if level != processor.interrupt_lines & LAMEBUS_LINE:
                processor.interrupt_lines ^= LAMEBUS_LINE
                self.processor_line_changed(number)
                wake(processor)

    def interrupt_processor(self, number: ProcessorNumber, level: bool) -> None:
        """Raise or lower the line by which processors interrupt each other."""
        processor = self.processors[number]
        if level:
            processor.interrupt_lines |= PROCESSOR_LINE
        else:
            processor.interrupt_lines &= ~PROCESSOR_LINE
        self.processor_line_changed(number)
        wake(processor)

    def save(self) -> MainboardState:
        areas = zip(self.slots[: self.count], self.interrupted[: self.count], strict=True)
        return MainboardState(
            self.raised, self.enabled, [ProcessorArea(*area) for area in areas], self.running
        )

    def load(self, state: Any) -> None:
        self.raised, self.enabled, self.running = state.raised, state.enabled, state.running
        for number, area in enumerate(state.processors):
            self.slots[number], self.interrupted[number] = area.slots, area.interrupted
