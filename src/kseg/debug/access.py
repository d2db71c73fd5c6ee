"""Registers and memory of a thread, as packets read and write them while it stands."""

from kseg.debug.packets import PACKET_SIZE, Malformed, address, contents, number, pair
from kseg.debug.registers import RegisterFile
from kseg.debug.threads import Thread
from kseg.isa.profile import profile_named

MOST_BYTES = PACKET_SIZE // 2 - 16
"""Bytes of memory in one answer; GDB asks again for the rest."""


def registers(thread: Thread) -> RegisterFile:
    """A thread's registers."""
    board = thread.inferior.machine.board
    return RegisterFile(thread.it, profile_named(board.profile), board.byte_order)


def write_registers(thread: Thread, text: bytes) -> bytes:
    """Packet `G`."""
    registers(thread).write_all(contents(text))
    return b"OK"


def write_register(thread: Thread, text: bytes) -> bytes:
    """Packet `P`."""
    name, value = pair(text, b"=")
    registers(thread).write(number(name), contents(value))
    return b"OK"


def read_memory(thread: Thread, text: bytes) -> bytes:
    """Packet `m`."""
    where, count = pair(text)
    begin, length = address(where), min(number(count), MOST_BYTES)
    memory = thread.inferior.machine.memory.virtual(thread.processor)
    found = b""
    while len(found) < length:
        at = begin + len(found)
        part = min(length - len(found), 4096 - at % 4096)
        try:
            found += memory.read(at & 0xFFFFFFFF, part)
        except LookupError:
            # Less than was asked for is an answer; nothing at all is an error.
            if not found:
                raise
            break
    return found.hex().encode()


def write_memory(thread: Thread, text: bytes) -> bytes:
    """Packet `M`."""
    where, data = pair(text, b":")
    return _write(thread, where, contents(data))


def write_binary(thread: Thread, text: bytes) -> bytes:
    """Packet `X`."""
    where, data = pair(text, b":")
    return _write(thread, where, data)


def _write(thread: Thread, where: bytes, data: bytes) -> bytes:
    begin, count = pair(where)
    if number(count) != len(data):
        raise Malformed("another number of bytes than it says")
    if address(begin) + len(data) > 1 << 32:
        raise Malformed("beyond the last address")
    if data:
        memory = thread.inferior.machine.memory.virtual(thread.processor)
        memory.write(address(begin), data)
    return b"OK"
