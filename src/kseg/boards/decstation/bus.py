"""The system module's bus: what is where, and what happens where nothing is."""

import ctypes
from collections.abc import Sequence

from kseg.boards.decstation.address_map import ERROR_SLOT, SLOTS, WINDOWS
from kseg.boards.decstation.interrupts import Interrupts
from kseg.boards.decstation.memory_errors import MemoryErrors
from kseg.devices.bus import WORD_MASK, DeviceBus
from kseg.engine.state import ProcessorState
from kseg.errors import BusError


class SystemBus(DeviceBus):
    """Devices by slot: up to 7, that is the number of their interrupt in the CSR."""

    def __init__(self, processor: ProcessorState) -> None:
        lines = Interrupts(processor_address=ctypes.addressof(processor))
        super().__init__(SLOTS, lines)

    @property
    def windows(self) -> Sequence[range]:
        return list(WINDOWS.values())

    def base_of(self, slot: int) -> int:
        return WINDOWS[slot].start

    def slot_at(self, address: int) -> int | None:
        return next((slot for slot, window in WINDOWS.items() if address in window), None)

    def read(self, processor: int, address: int, size: int) -> int:
        try:
            return super().read(processor, address, size)
        except BusError:
            self._errors.note(address, writing=False)
            raise

    def write(
        self, processor: int, address: int, size: int, value: int, mask: int = WORD_MASK
    ) -> None:
        try:
            super().write(processor, address, size, value, mask)
        except BusError:
            self._errors.note(address, writing=True)

    @property
    def _errors(self) -> MemoryErrors:
        found = self.devices[ERROR_SLOT]
        assert isinstance(found, MemoryErrors)
        return found
