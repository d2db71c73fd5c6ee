"""Registers and memory of a thread, as packets read and write them while it stands."""

from kseg.gdb.packets import PACKET_SIZE, Malformed, address, contents, number, pair
from kseg.gdb.registers import RegisterFile
from kseg.gdb.threads import Thread
from kseg.isa.profile import profile_named
from kseg.unwind.guest_memory import GuestMemory

MOST_BYTES = PACKET_SIZE // 2 - 16
"""Bytes of memory in one answer; GDB asks again for the rest."""


def registers(thread: Thread) -> RegisterFile:
    board = thread.inferior.machine.board
    reported = thread.inferior.reported
    return RegisterFile(thread.it, profile_named(board.profile), board.byte_order, reported)


class Locked(Malformed):
    """What has happened cannot be changed."""


def write_registers(thread: Thread, text: bytes, *, locked: bool) -> bytes:
    """Packet `G`. With `locked` what changes nothing is accepted, else Locked is raised."""
    file, data = registers(thread), contents(text)
    if locked and not file.keeps_all(data):
        raise Locked
    if not locked:
        file.write_all(data)
    return b"OK"


def write_register(thread: Thread, text: bytes, *, locked: bool) -> bytes:
    """Packet `P`; see `write_registers`."""
    name, value = pair(text, b"=")
    file, register, data = registers(thread), number(name), contents(value)
    if locked and not file.keeps(register, data):
        raise Locked
    if not locked:
        file.write(register, data)
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


def write_memory(thread: Thread, text: bytes, *, locked: bool) -> bytes:
    """Packet `M`; see `write_registers`."""
    where, data = pair(text, b":")
    return write_binary(thread, b"%b:%b" % (where, contents(data)), locked=locked)


def write_binary(thread: Thread, text: bytes, *, locked: bool) -> bytes:
    """Packet `X`; see `write_registers`."""
    where, data = pair(text, b":")
    begin, count = pair(where)
    start = address(begin)
    if number(count) != len(data):
        raise Malformed("another number of bytes than it says")
    if start + len(data) > 1 << 32:
        raise Malformed("beyond the last address")
    if data and _is_there(thread, start, data):
        return b"OK"
    if locked:
        raise Locked
    if data:
        thread.inferior.machine.memory.virtual(thread.processor).write(start, data)
    return b"OK"


def _is_there(thread: Thread, start: int, data: bytes) -> bool:
    """Whether these bytes are in memory already. Registers of devices are not memory."""
    memory, done = GuestMemory(thread.inferior.machine, thread.processor), 0
    while done < len(data):
        found = memory.read(start + done, len(data) - done)
        if found is None or found != data[done : done + len(found)]:
            return False
        done += len(found)
    return True
