"""LAMEbus: 32 slots of 64 KiB.

System/161 manual, "LAMEbus". The registers through which a guest controls this are those of the
card in slot 31 (`kseg.boards.system161.mainboard`).
"""

import ctypes
from collections.abc import Sequence

from kseg.boards.system161.address_map import (
    BUS_BASE,
    BUS_END,
    CONTROLLER_SLOT,
    SLOT_SIZE,
    SLOTS,
    slot_base,
)
from kseg.boards.system161.interrupts import Interrupts
from kseg.boards.system161.mainboard import PROCESSOR_MEMORY, PROCESSORS, REGION_SIZE
from kseg.devices.bus import DeviceBus
from kseg.engine.state import ProcessorState
from kseg.errors import GuestFatal
from kseg.machine.booting import KSEG0, enter
from kseg.memory.physical import PhysicalMemory


class LameBus(DeviceBus):
    """Cards by slot; processors by number."""

    def __init__(self, memory: PhysicalMemory, processors: Sequence[ProcessorState]) -> None:
        self.interrupts = Interrupts(
            count=len(processors), processors_address=ctypes.addressof(processors[0])
        )
        super().__init__(SLOTS, self.interrupts)
        self.memory = memory
        self.processors = processors

    @property
    def windows(self) -> Sequence[range]:
        return (range(BUS_BASE, BUS_END),)

    def base_of(self, slot: int) -> int:
        return slot_base(slot)

    def slot_at(self, address: int) -> int | None:
        return (address - BUS_BASE) // SLOT_SIZE if BUS_BASE <= address < BUS_END else None

    def identity_of(self, slot: int) -> tuple[int, int] | None:
        device = self.devices[slot]
        return (device.identity, device.revision) if device is not None else None

    # Processors.

    def run_processors(self, mask: int) -> None:
        """Start the processors whose bit is set and stop the others; GuestFatal when one is
        started at an impossible address.

        As System/161 does it, which is not what its manual says: a processor that was started
        here never shows in the register, is not stopped by clearing its bit, and is started anew
        by setting it again.
        """
        problem = None
        state = self.interrupts
        for number, processor in enumerate(self.processors):
            bit = 1 << number
            if state.running & bit and not mask & bit:
                state.running &= ~bit
                processor.enabled = 0
            elif mask & bit and not state.running & bit:
                problem = self._start(number) or problem
        if problem is not None:
            raise GuestFatal(problem)

    def _start(self, number: int) -> str | None:
        """Start a secondary processor where its memory says; what the hardware does not like."""
        area = slot_base(CONTROLLER_SLOT) + PROCESSORS + number * REGION_SIZE
        memory = area + PROCESSOR_MEMORY
        entry = int.from_bytes(self.memory.read(memory, 4), "big")
        argument = int.from_bytes(self.memory.read(memory + 4, 4), "big")
        processor = self.processors[number]
        enter(processor, entry & ~3, argument, KSEG0 + area + REGION_SIZE)
        processor.enabled = 1
        processor.waiting = 0
        if entry & 3:
            return "Kernel entry point is not properly aligned"
        if not self._executable(entry):
            return "Kernel entry point is an invalid address"
        return None

    def _executable(self, address: int) -> bool:
        """Whether a processor can start at a virtual address; mapped ones it finds out itself."""
        if not KSEG0 <= address < 0xC0000000:
            return True
        region = self.memory.region_at(address & 0x1FFFFFFF)
        return region is not None and not BUS_BASE <= region.base < BUS_END
