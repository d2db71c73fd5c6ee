"""The kernel that a board boots: what a loader would do for it."""

from typing import NamedTuple

from kseg.engine.state import ProcessorState
from kseg.errors import ImageError
from kseg.machine.elf import WINDOW, Image, load_image
from kseg.memory.physical import PhysicalMemory

KSEG0 = 0x80000000
T9, A0, SP = 25, 4, 29


class BootedKernel(NamedTuple):
    """An image, its name for messages, and the boot string that it is given."""

    image: Image
    name: str
    boot_string: bytes

    @classmethod
    def of(cls, image: Image, arguments: str | bytes, name: str) -> "BootedKernel":
        """The boot string are the arguments up to a NUL."""
        if isinstance(arguments, str):
            arguments = arguments.encode("utf-8", "surrogateescape")
        return cls(image, name, arguments.partition(b"\0")[0])

    def put_into(self, memory: PhysicalMemory, processor: ProcessorState) -> None:
        """Put it into RAM, the boot string at its top, and the processor at the entry; ImageError
        where there is no room."""
        load_image(self.image, memory, self.name)
        string = self.boot_string + b"\0"
        string = string.ljust(-(-len(string) // 4) * 4, b"\0")
        top = memory.ram.size - len(string)
        if top < 0:
            raise ImageError(
                f"kernel {self.name}: its boot string of {len(string)} bytes does not fit"
                f" into {memory.ram.size >> 10}K of RAM; shorten it, or give more RAM"
            )
        memory.write(top, string)
        base = WINDOW if self.image.in_window else KSEG0
        enter(processor, self.image.entry, base + top, base + top - 4)


def enter(processor: ProcessorState, entry: int, argument: int, stack: int) -> None:
    """Point a processor at `entry`, the way a program of the MIPS ABI is entered."""
    processor.pc = entry
    processor.in_delay_slot = 0
    processor.gpr[T9] = entry
    processor.gpr[A0] = argument
    processor.gpr[SP] = stack
