"""Buses: devices at physical addresses, and the way of their interrupt lines to processors.

A `DeviceBus` finds the device at an address. Where the windows are and where interrupt lines lead
is a board's matter: `WiredBus` has a place and a line of a processor for each slot.
"""

import ctypes
from collections.abc import Callable, Sequence
from typing import NamedTuple

from kseg.devices.device import Device
from kseg.devices.lines import Lines, Wires
from kseg.engine.state import ProcessorState
from kseg.errors import BusError

WORD_MASK = 0xFFFFFFFF


class DeviceBus:
    """Devices by slot, each in a window of physical addresses."""

    def __init__(self, slots: int, lines: Lines) -> None:
        self.devices: list[Device | None] = [None] * slots
        self.lines = lines
        """Its interrupt lines."""
        # Whole words of named registers, by physical address: nearly all accesses.
        self._word_readers: dict[int, Callable[[], int]] = {}
        self._word_writers: dict[int, Callable[[int], None]] = {}
        self.steady_words: set[int] = set()
        """Physical addresses of registers whose words can be read again without asking."""

    def plug(self, device: Device) -> None:
        """Put a device into its slot; ValueError when there is one already."""
        if self.devices[device.slot] is not None:
            raise ValueError(f"slot {device.slot} is taken")
        self.devices[device.slot] = device
        base = device.base
        for offset, reader in device.word_readers.items():
            self._word_readers[base + offset] = reader
        self.steady_words.update(base + offset for offset in device.steady_words)
        for offset, writer in device.word_writers.items():
            self._word_writers[base + offset] = writer

    @property
    def cards(self) -> list[Device]:
        """The devices there are, by slot."""
        return [device for device in self.devices if device is not None]

    # What a board says of its bus.

    @property
    def windows(self) -> Sequence[range]:
        """Where registers can be: physical addresses."""
        raise NotImplementedError

    def base_of(self, slot: int) -> int:
        """The physical address at which a slot's window begins."""
        raise NotImplementedError

    def slot_at(self, address: int) -> int | None:
        """The slot in whose window a physical address is."""
        raise NotImplementedError

    # The bus's own.

    @property
    def asking_processor(self) -> int:
        """Which processor made the last access."""
        return self.lines.asking_processor

    @asking_processor.setter
    def asking_processor(self, number: int) -> None:
        self.lines.asking_processor = number

    @property
    def lines_address(self) -> int:
        """Where native code finds its interrupt lines."""
        return ctypes.addressof(self.lines)

    def line(self, slot: int) -> bool:
        """The level of a slot's interrupt line."""
        return self.lines.line(slot)

    def set_line(self, slot: int, level: bool) -> None:
        """Raise or lower it."""
        self.lines.set_line(slot, level)

    # Accesses, by physical address. BusError where nothing answers.

    def read(self, processor: int, address: int, size: int) -> int:
        """Load `size` bytes from a register."""
        self.asking_processor = processor
        if size == 4:
            reader = self._word_readers.get(address)
            if reader is not None:
                return reader()
        device = self._device_at(address)
        return device.read(address - device.base, size)

    def write(
        self, processor: int, address: int, size: int, value: int, mask: int = WORD_MASK
    ) -> None:
        """Store `value` to a register; of a word, only the bits in `mask` change."""
        self.asking_processor = processor
        if size == 4 and mask == WORD_MASK:
            writer = self._word_writers.get(address)
            if writer is not None:
                writer(value)
                return
        device = self._device_at(address)
        offset = address - device.base
        if size == 4 and mask != WORD_MASK:
            # SWL and SWR read the word, merge and write it, like all narrow stores.
            value = device.read(offset, 4) & ~mask | value & mask
        device.write(offset, size, value)

    def peek(self, address: int, size: int) -> int:
        """Like `read`, without side effects, from processor 0's point of view."""
        device = self._device_at(address)
        asking, self.asking_processor = self.asking_processor, 0
        try:
            return device.peek(address - device.base, size)
        finally:
            self.asking_processor = asking

    def _device_at(self, address: int) -> Device:
        slot = self.slot_at(address)
        device = None if slot is None else self.devices[slot]
        if device is None:
            raise BusError(f"nothing at physical {address:#010x}")
        return device


class Slot(NamedTuple):
    """A place for a device: its window of physical addresses, and the interrupt line as Cause
    shows it."""

    window: range
    line: int


class WiredBus(DeviceBus):
    """A bus whose slots are wired to the lines of one processor. No two slots have a line
    together."""

    def __init__(self, processor: ProcessorState, slots: Sequence[Slot]) -> None:
        wires = Wires(processor_address=ctypes.addressof(processor))
        wires.wires[: len(slots)] = [slot.line for slot in slots]
        super().__init__(len(slots), wires)
        self._slots = slots

    @property
    def windows(self) -> Sequence[range]:
        return [slot.window for slot in self._slots]

    def base_of(self, slot: int) -> int:
        return self._slots[slot].window.start

    def slot_at(self, address: int) -> int | None:
        for number, slot in enumerate(self._slots):
            if address in slot.window:
                return number
        return None
