"""Interrupt lines: from the slots of a bus to the processors. Typed Python, which native devices
use as well."""

import ctypes
from collections.abc import Callable
from typing import Annotated, TypeAlias

from kseg.engine.codegen.typed import Structure, below, u32, u64, unheard
from kseg.engine.state import ProcessorState

MOST_SLOTS = 32
Slot: TypeAlias = Annotated[int, below(MOST_SLOTS)]


class Lines(Structure):
    """The lines of a bus, and what is between them and the processors: a bus says what. And who has
    accessed the bus last, which native code notes as well."""

    asking_processor: u32

    line_trace: Callable[[int, bool], None] | None = None
    """Takes each slot's interrupt line that changes, while they are traced."""
    processor_line_trace: Callable[[int], None] | None = None
    """The same for processors one of whose lines has changed, by number."""

    @property
    def is_traced(self) -> bool:
        """Whether any are traced."""
        return self.line_trace is not None or self.processor_line_trace is not None

    def line(self, slot: Slot) -> bool:
        """The level of a slot's interrupt line."""
        raise NotImplementedError

    def set_line(self, slot: Slot, level: bool) -> None:
        """Raise or lower it."""
        raise NotImplementedError

    @unheard
    def line_changed(self, slot: int, level: bool) -> None:
        """Tell who traces."""
        if self.line_trace is not None:
            self.line_trace(slot, level)

    @unheard
    def processor_line_changed(self, number: int) -> None:
        """Tell who traces."""
        if self.processor_line_trace is not None:
            self.processor_line_trace(number)


class LevelLines(Lines):
    """Levels by slot, of which a bus makes the processors' lines in a way of its own: `set_line`
    is its, and begins with `changes`."""

    raised: u32
    """A bit a slot."""

    def line(self, slot: Slot) -> bool:
        return bool(self.raised >> slot & 1)

    def changes(self, slot: Slot, level: bool) -> bool:
        """Note a slot's level; False if that is what it was."""
        raised = self.raised | 1 << slot if level else self.raised & ~(1 << slot)
        if raised == self.raised:
            return False
        self.raised = raised
        self.line_changed(slot, level)
        return True


class Wires(Lines):
    """Each slot is wired to a line of one processor. No two slots have a line together."""

    processor_address: u64
    wires: Annotated[ctypes.Array[ctypes.c_uint32], MOST_SLOTS]
    """Each slot's line, as Cause shows it."""

    @property
    def processor(self) -> ProcessorState:
        return ProcessorState.from_address(self.processor_address)

    def line(self, slot: Slot) -> bool:
        return bool(self.processor.interrupt_lines & self.wires[slot])

    def set_line(self, slot: Slot, level: bool) -> None:
        if level == self.line(slot):
            return
        processor = self.processor
        processor.interrupt_lines ^= self.wires[slot]
        self.line_changed(slot, level)
        self.processor_line_changed(processor.identity)
        wake(processor)


def wake(processor: ProcessorState) -> None:
    """Let a processor that waits go on, if one of its lines is raised."""
    # At once, not when the engine looks next: the line may be down again by then.
    if processor.waiting and processor.interrupt_lines:
        processor.waiting = 0
