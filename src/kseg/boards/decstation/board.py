"""The board of a DECstation 5000/200: an R3000 at 25 MHz, little endian."""

import struct
from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from kseg.boards.decstation.address_map import (
    CASCADE_LINE,
    CLOCK_LINE,
    CLOCK_SLOT,
    CSR_SLOT,
    ERROR_LINE,
    ERROR_SLOT,
    FIRMWARE_SLOT,
    ROM_BASE,
    ROM_SIZE,
    SERIAL_SLOT,
)
from kseg.boards.decstation.bus import SystemBus
from kseg.boards.decstation.firmware import MAGIC, Firmware, rom, vector_address
from kseg.boards.decstation.interrupts import Csr, Interrupts
from kseg.boards.decstation.memory_errors import MemoryErrors
from kseg.devices.ds1287 import Ds1287
from kseg.devices.dz11 import Dz11
from kseg.errors import ConfigurationError, ImageError
from kseg.machine.board import Board
from kseg.machine.booting import KSEG0, BootedKernel, enter
from kseg.machine.clock import TimeModel
from kseg.machine.configuration import Configuration, PlainConfiguration
from kseg.machine.device_context import DeviceContext
from kseg.machine.elf import PHYSICAL_MASK, load_image

if TYPE_CHECKING:
    from kseg.devices.device import Device

MIB = 1 << 20
DEFAULT_RAM = 32 * MIB

ARGUMENTS = 0x10000
ARGUMENTS_END = 0x20000
"""Where a kernel finds its command line, which is below every kernel."""
LONGEST_COMMAND_LINE = 4095
"""Bytes. Linux copies it into 4096, and does not look."""
DEVICE_PATH = b"3/rz0/vmunix"
"""What says that it was booted from; kernels only look whether it is there."""

PROFILES = {
    "complete": "r3000-interlocked",
    "r3010": "r3000-interlocked-r3010",
    "none": "r3000-interlocked-nofpu",
}
"""The processor by its floating-point unit."""


class Decstation(Board):
    """RAM, console, clock, firmware; the TURBOchannel slots are empty."""

    name = "decstation"
    profile = PROFILES["complete"]
    byte_order = "little"
    time_model = TimeModel(nanoseconds_per_cycle=40, longest_burst=125_000, poll_interval=50_000)
    line_names = MappingProxyType(
        {CASCADE_LINE: "bus", CLOCK_LINE: "clock", ERROR_LINE: "memory error"}
    )
    ready_made = True

    bus: SystemBus

    @classmethod
    def device_kinds(cls) -> "Sequence[type[Device]]":
        return (Dz11, Ds1287, MemoryErrors, Csr, Firmware)

    @classmethod
    def lines_kind(cls) -> type[Interrupts]:
        return Interrupts

    @classmethod
    def profile_of(cls, configuration: Configuration) -> str:
        assert isinstance(configuration, PlainConfiguration)
        return PROFILES[configuration.fpu]

    @classmethod
    def read_configuration(cls, text: str, source: str) -> PlainConfiguration:
        read = PlainConfiguration.read(cls.name, text, source, DEFAULT_RAM, PROFILES)
        banks, rest = divmod(read.ram_size, 8 * MIB)
        # Modules of 8 MiB or of 32, all alike, in 15 places.
        if rest or not (banks <= 15 or (banks % 4 == 0 and banks <= 60)):
            raise ConfigurationError(
                f"{source}: ram: a DECstation has 8M to 120M in steps of 8M, or up to 480M in steps"
                " of 32M"
            )
        return read

    def make_bus(self) -> SystemBus:
        self.memory.add_region("boot rom", ROM_BASE, ROM_SIZE, writable=False, executable=True)
        return SystemBus(self.processors[0])

    def plug_devices(self, context: DeviceContext) -> None:
        plug = self.bus.plug
        plug(Csr(CSR_SLOT, context, self.bus))
        plug(MemoryErrors(ERROR_SLOT, context, self.bus))
        plug(Dz11(SERIAL_SLOT, context, self.bus))
        plug(Ds1287(CLOCK_SLOT, context, self.bus))
        plug(Firmware(FIRMWARE_SLOT, context, self.bus))

    def fill_rom(self) -> None:
        self.memory.write(ROM_BASE, rom())

    def put_kernel(self, kernel: BootedKernel) -> None:
        """As REX does it: argc, argv, a magic number, the call-back vector. ImageError where the
        command line has no room."""
        if len(kernel.boot_string) > LONGEST_COMMAND_LINE:
            raise ImageError(
                f"kernel {kernel.name}: its boot string of {len(kernel.boot_string)} bytes is"
                f" longer than {LONGEST_COMMAND_LINE}; shorten it"
            )
        for segment in kernel.image.segments:
            begin = segment.address & PHYSICAL_MASK
            if begin < ARGUMENTS_END and segment.size and begin + segment.size > ARGUMENTS:
                raise ImageError(
                    f"kernel {kernel.name}: a segment at {segment.address:#010x} lies where the"
                    f" firmware has the command line, {KSEG0 + ARGUMENTS:#010x} to"
                    f" {KSEG0 + ARGUMENTS_END:#010x}; link it elsewhere"
                )
        load_image(kernel.image, self.memory, kernel.name)
        words = [b"boot", DEVICE_PATH]
        words += kernel.boot_string.split(b" ") if kernel.boot_string else []
        place = ARGUMENTS + 4 * (len(words) + 1)
        pointers = []
        for word in words:
            pointers.append(KSEG0 + place)
            place += len(word) + 1
        table = struct.pack(f"<{len(words) + 1}I", *pointers, 0)
        self.memory.write(ARGUMENTS, table + b"".join(word + b"\0" for word in words))
        processor = self.processors[0]
        enter(processor, kernel.image.entry, len(words), KSEG0 + ARGUMENTS - 16)
        processor.gpr[5:8] = [KSEG0 + ARGUMENTS, MAGIC, vector_address()]
