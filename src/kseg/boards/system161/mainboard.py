"""The LAMEbus controller in slot 31: configuration regions, power, processors, interrupt masks.

System/161 manual, "LAMEbus", "The bus controller". The lower half of the slot holds a 1 KiB
configuration region for each slot, this card's own control registers among them; the upper half a
1 KiB region for each processor.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

import msgspec

from kseg.boards.system161.address_map import ROM_BASE
from kseg.boards.system161.interrupts import (
    Interrupts,
    MainboardState,
    ProcessorArea,
    ProcessorNumber,
)
from kseg.devices.device import Buffer, Device, Register, narrow
from kseg.devices.hex_dump import hex_dump
from kseg.engine.codegen.typed import u32
from kseg.errors import BusError, GuestFatal, StateError
from kseg.machine.arguments import Argument, Arguments
from kseg.machine.board_record import MOST_PROCESSORS
from kseg.memory.physical import Region

SYSTEM161_VENDOR = 1

REGION_SIZE = 0x400
CONTROL = 31 * REGION_SIZE + 0x200
PROCESSORS = 0x8000
PROCESSOR_MEMORY = 0x300
PROCESSOR_MEMORY_SIZE = 0x100
"""The window; the manual promises 128 bytes of it."""

POWER_OFF_TIME = 5_000_000
"""ns."""
PAGE_SIZE = 4096
MOST_MEMORY = ROM_BASE
"""System/161 stops at 16 MiB, "as a sanity check"."""


class MainboardOptions(msgspec.Struct, frozen=True):
    ram_size: int
    processors: int


class ControlledBus(Protocol):
    """The bus, as its controller sees it."""

    interrupts: Interrupts

    def identity_of(self, slot: int) -> tuple[int, int] | None:
        """Device number and revision of the card in a slot."""
        ...

    def run_processors(self, mask: int) -> None:
        """Start and stop processors."""
        ...


class Mainboard(Device):
    """The multiprocessor controller. Its state is the bus's `interrupts`."""

    name = "mainboard"
    identity = 10
    revision = 1
    State = MainboardState
    state: Interrupts
    events: ClassVar[Mapping[str, range]] = {"power off": range(1)}
    registers: ClassVar[Sequence[Register]] = (
        Register(CONTROL + 0x00, "ram_size", "bytes of RAM", access="r", steady=True),
        Register(
            CONTROL + 0x04, "raised", "a bit for each slot that interrupts", access="r", steady=True
        ),
        Register(CONTROL + 0x08, "power", "writing 0 switches the power off, 5 ms later"),
        Register(
            CONTROL + 0x0C,
            "enabled",
            "a bit for each slot that may interrupt any processor",
            steady=True,
        ),
        Register(
            CONTROL + 0x10,
            "processors",
            "a bit for each processor there is",
            access="r",
            steady=True,
        ),
        Register(
            CONTROL + 0x14,
            "running",
            "a bit for each processor that runs; writing starts and stops them. One that starts"
            " begins at the address in the first word of its memory, with the second in a0",
            steady=True,
        ),
        Register(CONTROL + 0x18, "self", "the bit of the processor that reads", access="r"),
        Register(
            PROCESSORS,
            "slots",
            "of each processor: a bit for each slot that may interrupt it",
            count=MOST_PROCESSORS,
            stride=REGION_SIZE,
        ),
        Register(
            PROCESSORS + 4,
            "interrupted",
            "of each processor: all ones while another one interrupts it; writing not 0 does, 0"
            " takes it back",
            count=MOST_PROCESSORS,
            stride=REGION_SIZE,
        ),
    )
    arguments: ClassVar[Sequence[Argument]] = (
        Argument("ramsize", "size", "memory, a multiple of 4K; needed"),
        Argument("cpus", "number", "processors", 1, 1, MOST_PROCESSORS),
        Argument("cores", "number", "of a processor", 1, 1, 1),
    )
    has_processor_areas = True

    Options = MainboardOptions

    @classmethod
    def live_state(cls) -> type[Any]:
        return Interrupts

    @classmethod
    def parse_arguments(cls, arguments: Arguments) -> MainboardOptions:
        given = arguments.read(cls.arguments)
        size = given["ramsize"]
        if not size:
            raise arguments.error("ramsize= is missing or 0; give a size such as ramsize=1M")
        if size % PAGE_SIZE:
            raise arguments.error(f"ramsize: {size} is not a multiple of {PAGE_SIZE} bytes")
        if size > MOST_MEMORY:
            raise arguments.error(f"ramsize: at most {MOST_MEMORY >> 20}M fit below the boot ROM")
        return MainboardOptions(size, given.get("cpus", 1))

    def plug_in(self) -> None:
        self.bus: ControlledBus = self._bus  # type: ignore[assignment]
        self.state = self.bus.interrupts
        self._processor_memories: list[Region] = []
        options: MainboardOptions = self.options
        if not self.has_processor_areas:
            return
        for number in range(options.processors):
            offset = PROCESSORS + number * REGION_SIZE + PROCESSOR_MEMORY
            name = f"memory of processor {number}"
            memory = Buffer(offset, PROCESSOR_MEMORY_SIZE, "start address, argument, stack", name)
            self._processor_memories.append(self.add_buffer(memory))

    def reset(self) -> None:
        self.state.load(MainboardState(processors=[ProcessorArea()] * self.options.processors))
        self.state.route()

    def count(self, register: Register) -> int:
        if register.count == 1:
            return 1
        count: int = self.options.processors
        return count if self.has_processor_areas else 0

    def read(self, offset: int, size: int = 4) -> int:
        if size != 4:
            return narrow(self.read(offset & ~3), offset, size, self.context.byte_order)
        reader = self.word_readers.get(offset)
        if reader is not None:
            return reader()
        return self._read_region(offset)

    def peek(self, offset: int, size: int = 4) -> int:
        return self.read(offset, size)

    def _read_region(self, offset: int) -> int:
        if offset < PROCESSORS:
            slot, register = divmod(offset, REGION_SIZE)
            if register <= 8:
                found = self.bus.identity_of(slot)
                return (SYSTEM161_VENDOR, *found)[register >> 2] if found else 0
        raise BusError(f"{self.owner}: nothing at {offset:#x}")

    # Control registers.

    def read_ram_size(self) -> u32:
        return u32(self.options.ram_size)

    def read_power(self) -> u32:
        return 0xFFFFFFFF

    def write_power(self, value: u32) -> None:
        """0 switches off in 5 ms; to switch off this card but not the others is impossible."""
        if value == 0:
            # Beyond that a guest only fills the queue.
            if not self.clock.crowded:
                self.schedule(POWER_OFF_TIME, "power off")
        elif not value & 0x80000000:
            raise GuestFatal("Invalid power state")

    def on_power_off(self, _argument: int) -> None:
        # Nobody sees this interrupt; on System/161 it ends the idle loop.
        self.interrupt = True
        self.context.control.power_off()

    def write_enabled(self, value: u32) -> None:
        self.state.enabled = value
        self.state.route()

    def read_processors(self) -> u32:
        return u32((1 << self.options.processors % 64) - 1)

    def write_running(self, value: u32) -> None:
        self.bus.run_processors(value)

    def read_self(self) -> u32:
        return 1 << self.asking_processor

    def read_slots(self, number: ProcessorNumber) -> u32:
        slots: u32 = self.state.slots[number]
        return slots

    def write_slots(self, number: ProcessorNumber, value: u32) -> None:
        self.state.slots[number] = value
        self.state.route()

    def read_interrupted(self, number: ProcessorNumber) -> u32:
        return 0xFFFFFFFF if self.state.interrupted[number] else 0

    def write_interrupted(self, number: ProcessorNumber, value: u32) -> None:
        self.state.interrupted[number] = value != 0
        self.state.interrupt_processor(number, value != 0)

    def load(self, state: Any) -> None:
        self.check_state(state)
        if len(state.processors) != self.options.processors:
            raise StateError(f"{self.owner}: saved with {len(state.processors)} processors")
        super().load(state)

    def describe(self) -> list[str]:
        lines = [
            f"LAMEbus multiprocessor controller rev {self.revision}",
            *self._describe_bus(),
            f"    cpus: {self.options.processors}",
            f"    cpue: 0x{self.state.running:08x}",
        ]
        for number, area in enumerate(self.state.save().processors):
            enabled = "ENABLED" if self.state.running >> number & 1 else "DISABLED"
            lines += [
                f"    cpu {number}: {enabled}",
                f"    cpu {number} cirqe: 0x{area.slots:08x}",
                f"    cpu {number} cipi: {int(area.interrupted)}",
                f"    cpu {number} interrupting: {self._interrupting(number)}",
                f"    cpu {number} cram:",
                *hex_dump(self._processor_memories[number].data[:128]),
            ]
        return lines

    def _describe_bus(self) -> list[str]:
        size, state = self.options.ram_size, self.state
        return [
            f"    ramsize: {size} ({size // 1024}k)",
            f"    irqs: 0x{state.raised:08x}",
            f"    irqe: 0x{state.enabled:08x}",
        ]

    def _interrupting(self, number: int) -> int:
        state = self.state
        return int(state.raised & state.enabled & state.slots[number] != 0)


class OldMainboard(Mainboard):
    """The uniprocessor controller of OS/161 1.x (also called busctl)."""

    name = "oldmainboard"
    identity = 1
    revision = 2
    registers: ClassVar[Sequence[Register]] = Mainboard.registers[:4]
    arguments: ClassVar[Sequence[Argument]] = Mainboard.arguments[:1]
    has_processor_areas = False

    def read_power(self) -> int:
        raise GuestFatal("Read from LAMEbus controller power register")

    def write_power(self, value: int) -> None:
        if value == 0:
            super().write_power(0)

    def peek(self, offset: int, size: int = 4) -> int:
        if offset & ~3 == CONTROL + 0x08:
            return 0
        return super().peek(offset, size)

    def describe(self) -> list[str]:
        return [
            f"LAMEbus uniprocessor controller rev {self.revision}",
            *self._describe_bus(),
            f"    irqc: 0x{self._interrupting(0):08x}",
        ]
