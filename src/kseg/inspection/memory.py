"""A machine's memory for programs on the host: reading never has an effect on the guest.

Addresses are physical, or virtual as a processor sees them at the moment. Words are in the
machine's byte order.
"""

from typing import Literal

from kseg import checks
from kseg.engine.state import ProcessorState
from kseg.errors import BusError, KsegError
from kseg.isa import registers as r
from kseg.isa.values import WORD
from kseg.machine.board import Board
from kseg.machine.run_lock import Safepoint
from kseg.memory.pages import PAGE_SIZE
from kseg.memory.physical import MemoryRangeError


class AddressError(KsegError, LookupError):
    """Nothing is at an address: no memory, no register, or no translation for it."""


class Memory:
    """Bytes and words at physical addresses; `virtual` gives those that a processor sees."""

    def __init__(self, board: Board, window: int | None = None) -> None:
        """`window` is where a kernel that is linked for a monitor finds physical memory."""
        self._board, self._window = board, window
        self._order: Literal["big", "little"] = "big" if board.byte_order == "big" else "little"

    @property
    def size(self) -> int:
        """Bytes of RAM, which lies at physical 0."""
        return self._board.memory.ram.size

    def read(self, address: int, length: int) -> bytes:
        """`length` bytes from physical `address`; AddressError where there are none.

        In a device, registers read as a debugger sees them: without their side effects.
        """
        address, length = _range(address, length)
        try:
            return self._board.memory.read(address, length)
        except MemoryRangeError:
            pass
        try:
            return b"".join(
                self._board.bus.peek(address + offset, 1).to_bytes(1, "big")
                for offset in range(length)
            )
        except BusError as error:
            raise AddressError(f"nothing to read at physical {address:#010x}: {error}") from None

    def write(self, address: int, data: bytes) -> None:
        """Store into memory at physical `address`, read-only memory included; AddressError where
        there is none. Device registers cannot be written here."""
        data = checks.raw("data", data)
        address, _ = _range(address, len(data))
        with self._board.run_lock.at(Safepoint.CHANGEABLE):
            try:
                self._board.memory.write(address, data)
            except MemoryRangeError as error:
                raise AddressError(str(error)) from None
            self._board.changed()

    def word(self, address: int) -> int:
        """The 32-bit word at physical `address`, without sign."""
        return int.from_bytes(self.read(address, 4), self._order)

    def set_word(self, address: int, value: int) -> None:
        """Store a 32-bit word at physical `address`."""
        self.write(address, checks.word("value", value).to_bytes(4, self._order))

    def string(self, address: int, limit: int = 4096) -> bytes:
        """The bytes from physical `address` up to a NUL, at most `limit`."""
        return _string(self, address, limit)

    def virtual(self, processor: int = 0) -> "VirtualMemory":
        """Memory at the virtual addresses of a processor, in kernel mode, with the TLB as it is
        now."""
        states = self._board.processors
        return VirtualMemory(self, states[checks.processor(processor, len(states))], self._window)

    def __repr__(self) -> str:
        lines = [
            f"{region.base:08x}..{region.end - 1:08x}  {region.size:>9}"
            f"  {'rw' if region.writable else 'r-'}  {region.name}"
            for region in sorted(self._board.memory.regions, key=lambda region: region.base)
        ]
        return "\n".join(lines)


class VirtualMemory:
    """Bytes and words at the virtual addresses of one processor."""

    def __init__(self, memory: Memory, state: ProcessorState, window: int | None = None) -> None:
        self._memory, self._state, self._window = memory, state, window

    def physical(self, address: int) -> int:
        """The physical address behind a virtual one; AddressError when there is none.

        kseg0 and kseg1 are fixed windows, as is that of a kernel which is linked for a monitor;
        elsewhere the TLB has to have a valid entry.
        """
        address = checks.address("address", address)
        if r.KSEG0 <= address < r.KSEG2:
            return address & r.UNMAPPED_MASK
        if self._window is not None and 0 <= address - self._window <= r.UNMAPPED_MASK:
            return address - self._window
        asid = self._state.entry_hi & r.ASID_MASK
        for high, low in zip(self._state.tlb_entry_hi, self._state.tlb_entry_lo, strict=True):
            same_space = high & r.ASID_MASK == asid or low & r.ENTRY_LO_G
            if (high ^ address) & r.VPN_MASK == 0 and same_space:
                if low & r.ENTRY_LO_V:
                    return int(low & r.VPN_MASK) | (address & ~r.VPN_MASK)
                break
        raise AddressError(f"the TLB has no valid entry for virtual {address:#010x}")

    def read(self, address: int, length: int) -> bytes:
        """`length` bytes from virtual `address`, page by page."""
        address, length = _range(address, length)
        parts = []
        while length > 0:
            part = min(length, PAGE_SIZE - address % PAGE_SIZE)
            parts.append(self._memory.read(self.physical(address), part))
            address, length = address + part, length - part
        return b"".join(parts)

    def write(self, address: int, data: bytes) -> None:
        """Store at virtual `address`, also where the guest itself may not; nothing is written
        unless everything can be."""
        data = checks.raw("data", data)
        address, _ = _range(address, len(data))
        parts = []
        start = 0
        while start < len(data):
            part = min(len(data) - start, PAGE_SIZE - (address + start) % PAGE_SIZE)
            physical = self.physical(address + start)
            self._memory.read(physical, part)
            parts.append((physical, data[start : start + part]))
            start += part
        for physical, piece in parts:
            self._memory.write(physical, piece)

    def word(self, address: int) -> int:
        """The 32-bit word at virtual `address`, without sign."""
        return int.from_bytes(self.read(address, 4), self._memory._order)

    def set_word(self, address: int, value: int) -> None:
        """Store a 32-bit word at virtual `address`."""
        self.write(address, checks.word("value", value).to_bytes(4, self._memory._order))

    def string(self, address: int, limit: int = 4096) -> bytes:
        """The bytes from virtual `address` up to a NUL, at most `limit`."""
        return _string(self, address, limit)


def _range(address: int, length: int) -> tuple[int, int]:
    """The same, checked: AddressError where they reach beyond 32 bits."""
    address, length = checks.address("address", address), checks.whole("length", length)
    if address + length > WORD + 1:
        raise AddressError(f"{length} bytes from {address:#010x} reach beyond 32 bits")
    return address, length


def _string(memory: Memory | VirtualMemory, address: int, limit: int) -> bytes:
    address, limit = checks.address("address", address), checks.whole("limit", limit)
    found = b""
    while len(found) < limit:
        part = min(limit - len(found), PAGE_SIZE - address % PAGE_SIZE)
        data = memory.read(address, part)
        end = data.find(b"\0")
        if end >= 0:
            return found + data[:end]
        found, address = found + data, address + part
    return found
