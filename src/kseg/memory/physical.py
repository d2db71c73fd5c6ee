"""Physical memory: RAM and every other window that behaves like memory.

A *region* is a run of physical addresses backed by bytes on the host: RAM, a boot ROM, the data
buffer inside a device. Engines reach regions directly, in native code; only addresses outside
every region (device registers, empty bus slots) are VM exits of an engine (MMIO).

Bytes lie in the order in which the guest numbers them, so an image is loaded by copying it.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from kseg.errors import ConfigurationError
from kseg.memory.pages import PAGE_SIZE
from kseg.platform.memory import Memory

if TYPE_CHECKING:
    from kseg.memory.layer import Layer

FEW_PAGES = 64
"""So many pages that changed since RAM was frozen are copied, instead of freezing it again."""


class MemoryRangeError(LookupError):
    """A physical address range does not lie inside one region."""


class Region(msgspec.Struct, frozen=True, eq=False):
    """`size` bytes from physical address `base`; `data` holds them."""

    name: str
    base: int
    size: int
    writable: bool
    executable: bool
    data: memoryview
    host_address: int

    @property
    def end(self) -> int:
        """The first physical address after the region."""
        return self.base + self.size


class PhysicalMemory:
    """The regions of one machine, `ram` first, looked up by physical address."""

    def __init__(self, ram_size: int, layer: "Layer | None" = None) -> None:
        """Create a memory whose RAM lies at physical 0 and has `ram_size` bytes, all zero, or those
        of a `layer`."""
        if ram_size <= 0 or ram_size % PAGE_SIZE:
            raise ValueError(f"RAM size {ram_size} is not a positive multiple of {PAGE_SIZE} bytes")
        self.regions: list[Region] = []
        self._write_listeners: list[Callable[[int, int], None]] = []
        self._backing: list[Memory] = []
        self._layer = layer
        self.ram = self._create_ram(ram_size)
        if layer is not None:
            layer.map_over(self._backing[0])

    def _create_ram(self, size: int) -> Region:
        return self.add_region("ram", 0, size, executable=True)

    def add_region(
        self, name: str, base: int, size: int, *, writable: bool = True, executable: bool = False
    ) -> Region:
        """Back `size` bytes from physical `base` with zeros; what may be done is the guest's view.

        Raises ValueError when the range overlaps a region that exists or leaves 32 bits, and
        ConfigurationError when the host has not so much memory.
        Regions must all be added before an engine is made.
        """
        if base < 0 or size <= 0 or base + size > 1 << 32:
            raise ValueError(f"region {name}: {base:#x} + {size:#x} is not a 32-bit range")
        for other in self.regions:
            if base < other.end and other.base < base + size:
                raise ValueError(f"region {name} at {base:#010x} overlaps region {other.name}")
        rounded = -(-size // PAGE_SIZE) * PAGE_SIZE
        try:
            memory = Memory(rounded, sparse=self._layer is not None)
        except OSError as error:
            raise ConfigurationError(
                f"{name}: the host has no {rounded >> 10} KiB of memory for it ({error.strerror}):"
                " end other programs, or make the machine smaller"
            ) from None
        self._backing.append(memory)
        data, address = memory.view[:size], memory.address
        region = Region(name, base, size, writable, executable, data, address)
        self.regions.append(region)
        return region

    def region_at(self, address: int) -> Region | None:
        """The region that holds physical `address`, or None."""
        for region in self.regions:
            if region.base <= address < region.end:
                return region
        return None

    def is_kept(self, address: int) -> bool:  # noqa: ARG002
        """Is physical `address` in a page that is not to be written at present, until a monitor
        has seen to it?"""
        return False

    def read(self, address: int, length: int) -> bytes:
        """`length` bytes from physical `address`; MemoryRangeError unless one region holds all."""
        region = self._holding(address, length)
        offset = address - region.base
        return bytes(region.data[offset : offset + length])

    def write(self, address: int, data: bytes) -> None:
        """Store `data` at physical `address`, read-only regions included (that is the guest's
        restriction); MemoryRangeError unless one region holds all of it."""
        region = self._holding(address, len(data))
        offset = address - region.base
        region.data[offset : offset + len(data)] = data
        for listener in self._write_listeners:
            listener(address, len(data))

    def discard(self, address: int, length: int) -> None:
        """Whole pages of RAM from physical `address` become zero, and take no memory of the host
        until they are written again; reported as `write` is. MemoryRangeError as there."""
        region = self._holding(address, length)
        if region is self.ram and not self._layer:  # which would show again
            self._backing[0].discard(address, length)
        else:
            region.data[address - region.base :][:length] = bytes(length)
        for listener in self._write_listeners:
            listener(address, length)

    def clear(self, address: int, length: int) -> None:
        """Bytes of one region become zero; as `discard`."""
        self.discard(address, length)

    def used_pages(self, region: Region) -> bytes:
        """A byte for each page of a region: 0 where nothing was ever written, so that all is
        zero."""
        from kseg.platform.sharing import private_pages

        if region is not self.ram:
            return b"\x01" * -(-region.size // PAGE_SIZE)
        used = private_pages(region.host_address, region.size, PAGE_SIZE)
        return used if self._layer is None else either(used, self._layer.used)

    def freeze(self) -> "tuple[Layer, dict[int, bytes]]":
        """RAM as it is now, for a copy of the machine: a layer, and the pages that differ from it,
        by number. OSError when the host has no memory left.

        This memory lies in the layer too from now on, so that next time only what was written
        meanwhile differs. As long as that is little, it is cheaper copied than made a layer.
        """
        from kseg.memory.layer import Layer
        from kseg.platform.sharing import private_pages

        ram = self.ram
        changed = private_pages(ram.host_address, ram.size, PAGE_SIZE)
        if self._layer is not None and changed.count(1) <= FEW_PAGES:
            pages = [found.start() for found in re.finditer(b"\x01", changed)]
            return self._layer, {
                page: ram.data[page * PAGE_SIZE :][:PAGE_SIZE].tobytes() for page in pages
            }
        layer = Layer(ram.data, self.used_pages(ram))
        layer.map_over(self._backing[0])
        self._layer = layer
        return layer, {}

    def on_write(self, listener: Callable[[int, int], None]) -> None:
        """Call `listener(address, length)` after every `write`: engines drop what they derived
        from the old bytes. Stores by the guest itself are not reported."""
        self._write_listeners.append(listener)

    def _holding(self, address: int, length: int) -> Region:
        region = self.region_at(address)
        if region is None or length < 0 or address + length > region.end:
            raise MemoryRangeError(
                f"no memory at physical {address:#010x}..{address + length:#010x}"
            )
        return region


def either(one: bytes, other: bytes) -> bytes:
    """Marks that are in one or the other, bytes 0 and 1."""
    both = int.from_bytes(one, "little") | int.from_bytes(other, "little")
    return both.to_bytes(len(one), "little")
