"""LAMEbus: 32 slots of 64 KiB, and the way of an interrupt from a slot to the processors.

System/161 manual, "LAMEbus". The registers through which a guest controls this are those of the
card in slot 31 (`kseg.devices.mainboard`).
"""

from collections.abc import Callable, Sequence
from typing import cast

from kseg.devices.device import BUS_BASE, SLOT_SIZE, Device, slot_base
from kseg.devices.mainboard import (
    PROCESSOR_MEMORY,
    PROCESSORS,
    REGION_SIZE,
    InterruptState,
)
from kseg.engine.state import ProcessorState
from kseg.errors import BusError, GuestFatal
from kseg.machine.board import Foreseeable
from kseg.memory.physical import PhysicalMemory

SLOTS = 32
CONTROLLER_SLOT = 31
BUS_END = BUS_BASE + SLOTS * SLOT_SIZE

LAMEBUS_LINE = 0x400
PROCESSOR_LINE = 0x800
"""Interrupt lines as Cause shows them."""

KSEG0 = 0x80000000
T9, A0, SP = 25, 4, 29


class LameBus:
    """Cards by slot; processors by number."""

    def __init__(self, memory: PhysicalMemory, processors: Sequence[ProcessorState]) -> None:
        self.memory = memory
        self.processors = processors
        self.devices: list[Device | None] = [None] * SLOTS
        # Whole words of named registers, by physical address: nearly all accesses.
        self._word_readers: dict[int, Callable[[], int]] = {}
        self._word_writers: dict[int, Callable[[int], None]] = {}
        self.steady_words: set[int] = set()
        """Physical addresses of registers whose words can be read again without asking."""
        self.foreseeable_words: dict[int, Foreseeable] = {}
        """By physical address: registers that know what reading them again will bring."""
        self.interrupts = InterruptState()
        self.asking_processor = 0
        self.line_trace: Callable[[int, bool], None] | None = None
        """Takes each slot's request line that changes, while they are traced."""
        self.processor_line_trace: Callable[[int], None] | None = None
        """The same for processors one of whose lines has changed, by number."""

    def plug(self, device: Device) -> None:
        """Put a card into its slot; ValueError when there is one already."""
        if self.devices[device.slot] is not None:
            raise ValueError(f"slot {device.slot} is taken")
        self.devices[device.slot] = device
        base = slot_base(device.slot)
        for offset, reader in device.word_readers.items():
            self._word_readers[base + offset] = reader
        self.steady_words.update(base + offset for offset in device.steady_words)
        for offset in device.foreseeable_words:
            self.foreseeable_words[base + offset] = cast(Foreseeable, device)
        for offset, writer in device.word_writers.items():
            self._word_writers[base + offset] = writer

    @property
    def cards(self) -> list[Device]:
        """The cards there are, by slot."""
        return [device for device in self.devices if device is not None]

    # Accesses, by physical address. BusError where nothing answers.

    def read(self, processor: int, address: int, size: int) -> int:
        """Load `size` bytes from a register."""
        self.asking_processor = processor
        if size == 4:
            reader = self._word_readers.get(address)
            if reader is not None:
                return reader()
        return self._device_at(address).read(address & 0xFFFF, size)

    def write(
        self, processor: int, address: int, size: int, value: int, mask: int = 0xFFFFFFFF
    ) -> None:
        """Store `value` to a register; of a word, only the bits in `mask` change."""
        self.asking_processor = processor
        if size == 4 and mask == 0xFFFFFFFF:
            writer = self._word_writers.get(address)
            if writer is not None:
                writer(value)
                return
        device = self._device_at(address)
        if size == 4 and mask != 0xFFFFFFFF:
            # SWL and SWR read the word, merge and write it, like all narrow stores.
            value = device.read(address & 0xFFFF, 4) & ~mask | value & mask
        device.write(address & 0xFFFF, size, value)

    def peek(self, address: int, size: int) -> int:
        """Like `read`, without side effects, from processor 0's point of view."""
        device = self._device_at(address)
        asking, self.asking_processor = self.asking_processor, 0
        try:
            return device.peek(address & 0xFFFF, size)
        finally:
            self.asking_processor = asking

    def _device_at(self, address: int) -> Device:
        if BUS_BASE <= address < BUS_END:
            device = self.devices[address - BUS_BASE >> 16]
            if device is not None:
                return device
        raise BusError(f"nothing at physical {address:#010x}")

    def identity_of(self, slot: int) -> tuple[int, int] | None:
        device = self.devices[slot]
        return (device.identity, device.revision) if device is not None else None

    # Interrupts.

    def line(self, slot: int) -> bool:
        return bool(self.interrupts.raised >> slot & 1)

    def set_line(self, slot: int, level: bool) -> None:
        """Raise or lower a slot's request line."""
        state = self.interrupts
        raised = state.raised | 1 << slot if level else state.raised & ~(1 << slot)
        if raised != state.raised:
            state.raised = raised
            if self.line_trace is not None:
                self.line_trace(slot, level)
            self.route()

    def route(self) -> None:
        """Bring the processors' LAMEbus lines up to date."""
        state = self.interrupts
        requests = state.raised & state.enabled
        pairs = zip(self.processors, state.processors, strict=False)
        for number, (processor, area) in enumerate(pairs):
            level = LAMEBUS_LINE if requests & area.slots else 0
            if level != processor.interrupt_lines & LAMEBUS_LINE:
                processor.interrupt_lines ^= LAMEBUS_LINE
                if self.processor_line_trace is not None:
                    self.processor_line_trace(number)
                self._wake(processor)

    def interrupt_processor(self, number: int, level: bool) -> None:
        """Raise or lower the line by which processors interrupt each other."""
        processor = self.processors[number]
        if level:
            processor.interrupt_lines |= PROCESSOR_LINE
        else:
            processor.interrupt_lines &= ~PROCESSOR_LINE
        if self.processor_line_trace is not None:
            self.processor_line_trace(number)
        self._wake(processor)

    @staticmethod
    def _wake(processor: ProcessorState) -> None:
        # At once, not when the engine looks next: the line may be down again by then.
        if processor.waiting and processor.interrupt_lines:
            processor.waiting = 0

    # Processors.

    @property
    def all_idle(self) -> bool:
        """Whether no processor would execute anything."""
        return all(each.waiting or not each.enabled for each in self.processors)

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


def enter(processor: ProcessorState, entry: int, argument: int, stack: int) -> None:
    """Point a processor at `entry`, the way a program of the MIPS ABI is entered."""
    processor.pc = entry
    processor.in_delay_slot = 0
    processor.gpr[T9] = entry
    processor.gpr[A0] = argument
    processor.gpr[SP] = stack
