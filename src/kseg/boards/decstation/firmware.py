"""The firmware: a ROM whose functions are a few instructions each, and the device that they ask.

The interface is REX, as kernels for TURBOchannel DECstations use it (MIPS REX firmware, "Call-back
vector"; docs/decisions/firmware-is-a-device.md says why it is made like this).
"""

import re
import struct
from collections.abc import Mapping
from typing import ClassVar

import msgspec

from kseg.boards.decstation.address_map import (
    OPTION_SIZE,
    OPTION_SLOTS,
    ROM_BASE,
    ROM_SIZE,
)
from kseg.devices.device import Device, Register
from kseg.machine.event_queue import Word
from kseg.memory.pages import PAGE_SIZE
from kseg.memory.physical import MemoryRangeError

KSEG0, KSEG1 = 0x80000000, 0xA0000000
PHYSICAL_MASK = 0x1FFFFFFF

MAGIC = 0x30464354
"""In a2, where a kernel is entered by REX."""
SYSTEM = 0x82020000
"""An R3000, system type 2: 5000/200."""
CHANNEL = (1, 40, OPTION_SIZE >> 20, 10, 0, 0, 0, 0, 0, 0, 0)
"""gettcinfo: revision, ns of a cycle, MiB of a slot, timeout, no DMA limits, bursts, parity."""

LONGEST_TEXT = 4096
"""Bytes of a text that the firmware prints."""

CALLS = 0x100
"""Offset of the first call in the device's window."""
FUNCTIONS = 0xB0 // 4
"""In the vector, which has a word for each."""
HALT = 0x9C // 4

VECTOR = 0x1000
STUBS = 0x400
STUB_SIZE = 0x20
CHANNEL_TABLE = 0x1800
"""Offsets in the ROM."""

RESET_SOURCE = """
        lui     t0, 0xbfc8
        lw      zero, 0x100 + 4 * 39(t0)
stop:   b       stop
        nop
"""
"""What is at the beginning of the ROM, where kernels jump in order to halt or to reboot."""
RESET = (0x3C08BFC8, 0x8D00019C, 0x1000FFFF, 0x00000000)

STUB_SOURCE = """
        lui     t0, 0xbfc8
        sw      a0, 0(t0)
        sw      a1, 4(t0)
        sw      a2, 8(t0)
        sw      a3, 12(t0)
        lw      v0, 0x100(t0)           # of the function's number
        jr      ra
        nop
"""
"""A function: leaves its arguments with the device, and returns what that answers."""
STUB = (
    0x3C08BFC8,
    0xAD040000,
    0xAD050004,
    0xAD060008,
    0xAD07000C,
    0x8D020000 | CALLS,
    0x03E00008,
    0x00000000,
)
ASKS = 5
"""Which of its words has the number in it."""
BREAK = 0x0000000D


def vector_address() -> int:
    """Where the call-back vector is, as a kernel sees it."""
    return KSEG1 | ROM_BASE | VECTOR


def rom() -> bytes:
    """What is in the ROM. Where nothing is, is a break."""
    words = [BREAK] * (ROM_SIZE // 4)

    def put(offset: int, *values: int) -> None:
        words[offset // 4 : offset // 4 + len(values)] = values

    put(0, *RESET)
    for number in range(FUNCTIONS):
        stub = list(STUB)
        stub[ASKS] += 4 * number
        put(STUBS + number * STUB_SIZE, *stub)
        put(VECTOR + 4 * number, KSEG1 | ROM_BASE | STUBS + number * STUB_SIZE)
    put(CHANNEL_TABLE, *CHANNEL)
    return struct.pack(f"<{len(words)}I", *words)


class FirmwareState(msgspec.Struct):
    argument: tuple[Word, Word, Word, Word] = (0, 0, 0, 0)


class Firmware(Device):
    """What the ROM's functions ask: arguments, and then the answer of a function."""

    name = "firmware"
    State = FirmwareState
    state: FirmwareState
    events: ClassVar[Mapping[str, range]] = {"off": range(1)}
    registers: ClassVar = (
        Register(0, "argument", "a0 to a3 of a function", count=4, stride=4),
        Register(
            CALLS,
            "call",
            "of each function in the call-back vector: does it, and is what it returns",
            access="r",
            read_has_side_effects=True,
            count=FUNCTIONS,
            stride=4,
        ),
    )

    def read_argument(self, number: int) -> int:
        return self.state.argument[number]

    def write_argument(self, number: int, value: int) -> None:
        self.state.argument[number] = value  # type: ignore[index]

    def peek_call(self, number: int) -> int:  # noqa: ARG002
        return 0

    def read_call(self, number: int) -> int:
        function = _BY_NUMBER.get(number)
        if function is None:
            self.message(f"The firmware has no function {4 * number:#x}, which the guest calls")
            return 0
        first, second, *_ = self.state.argument
        value: int = getattr(self, function)(first, second)
        return value & 0xFFFFFFFF

    # The functions, each with the first two arguments.

    def nothing(self, _first: int, _second: int) -> int:
        return 0

    def print_formatted(self, text: int, _second: int) -> int:
        """printf: %s, %d, %u, %x, %o and %c, of up to three arguments, and %%."""
        values = iter(self.state.argument[1:])

        def shown(match: "re.Match[bytes]") -> bytes:
            if match[2] == b"%":
                return b"%"
            value = next(values, None)
            if value is None:
                return match[0]
            found = self._conversion(match[2], value)
            width = min(int(match[1].lstrip(b"0") or 0), 80)
            return found.rjust(width, b"0" if match[1].startswith(b"0") else b" ")

        printed = re.sub(rb"%(\d{0,4})l?([sduxoc%])", shown, self._text_at(text))
        return self._print(printed)

    def _conversion(self, kind: bytes, value: int) -> bytes:
        if kind == b"s":
            return self._text_at(value)
        if kind == b"c":
            return bytes([value & 0xFF])
        if kind == b"d":
            value -= (value & 0x80000000) << 1
        return format(value, {b"x": "x", b"o": "o"}.get(kind, "d")).encode()

    def put_string(self, text: int, _second: int) -> int:
        return self._print(self._text_at(text))

    def _print(self, data: bytes) -> int:
        for character in data:
            self.print_character(character)
        return len(data)

    def slot_address(self, slot: int, _second: int) -> int:
        return KSEG1 | OPTION_SLOTS + slot % 8 * OPTION_SIZE

    def system_number(self, _first: int, _second: int) -> int:
        return SYSTEM

    def channel_information(self, _first: int, _second: int) -> int:
        return KSEG1 | ROM_BASE | CHANNEL_TABLE

    def memory_bitmap(self, address: int, _second: int) -> int:
        """getbitmap: the size of a page, then a bit for each page of RAM, which are all good. The
        bytes of bits, or 0 where they cannot be written."""
        pages = self.memory.ram.size // PAGE_SIZE
        bitmap = (1 << pages) - 1
        size = -(-pages // 8)
        data = PAGE_SIZE.to_bytes(4, "little") + bitmap.to_bytes(size, "little")
        place = self._ram_at(address, len(data))
        if place is None:
            return 0
        self.memory.write(place, data)
        return size

    def halt(self, _first: int, _second: int) -> int:
        if not self.clock.crowded:
            self.schedule(0, "off")
        return 0

    def on_off(self, _argument: int) -> None:
        self.context.control.power_off()

    # The guest's memory.

    def _ram_at(self, address: int, length: int) -> int | None:
        """The physical address behind one in kseg0 or kseg1, if `length` bytes of RAM are there."""
        place = address & PHYSICAL_MASK
        if KSEG0 <= address < 0xC0000000 and place + length <= self.memory.ram.size:
            return place
        return None

    def _text_at(self, address: int) -> bytes:
        """A text in RAM, up to its NUL."""
        found = b""
        while len(found) < LONGEST_TEXT:
            # No piece goes over the end of a page, so none over the end of RAM.
            length = PAGE_SIZE - (address + len(found)) % PAGE_SIZE
            place = self._ram_at(address + len(found), length)
            if place is None:
                break
            try:
                piece = self.memory.read(place, length)
            except MemoryRangeError:
                break
            found += piece
            if b"\0" in piece:
                break
        return found.partition(b"\0")[0][:LONGEST_TEXT]

    def describe(self) -> list[str]:
        return ["REX firmware", "    arguments " + " ".join(f"{v:#x}" for v in self.state.argument)]


_BY_NUMBER = {
    offset // 4: name
    for offset, name in {
        0x2C: "put_string",
        0x30: "print_formatted",
        0x64: "nothing",  # getenv: no variable is set
        0x6C: "slot_address",
        0x70: "nothing",  # wbflush: there is no write buffer
        0x7C: "nothing",  # clear_cache: there is no cache
        0x80: "system_number",
        0x84: "memory_bitmap",
        0x9C: "halt",
        0xA4: "channel_information",
        0xAC: "halt",  # rex: halts or boots, which both end a run
    }.items()
}
"""The methods, by the number of the word in the vector."""
