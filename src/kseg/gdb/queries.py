"""The answers to packets that ask for something (GDB manual, "General Query Packets")."""

from typing import TYPE_CHECKING

from kseg.gdb import commands
from kseg.gdb.access import MOST_BYTES
from kseg.gdb.documents import condition, document
from kseg.gdb.packets import PACKET_SIZE, Malformed, contents, number, pair
from kseg.gdb.threads import Thread, find, process, threads_of

if TYPE_CHECKING:
    from kseg.gdb.answers import Answer
    from kseg.gdb.stub import Stub

DOCUMENTS = ("features", "memory-map", "threads", "exec-file", "osdata")
"""Those that there are, by GDB's names."""


def answer(stub: "Stub", text: bytes) -> "Answer":
    """The answer to packet `q` with this text."""
    name, _, rest = text.partition(b":")
    if name == b"Supported":
        return _supported(stub, rest)
    if name == b"Xfer":
        return _document(stub, rest)
    if name == b"fThreadInfo":
        threads = [each for inferior in stub.attached for each in threads_of(inferior)]
        return f"m{','.join(stub.name(each) for each in threads)}".encode() if threads else b"l"
    if name.startswith(b"ThreadExtraInfo,"):
        found = find(name.partition(b",")[2], stub.attached, stub.inferior)
        if found.inferior is None or found.processor is None:
            raise Malformed("no such thread")
        it = Thread(found.inferior, found.processor).it
        return f"CPU {found.processor}: {condition(it)}".encode().hex().encode()
    if name.startswith(b"Rcmd,"):
        return _command(stub, contents(name.partition(b",")[2]))
    if name == b"C":
        return f"QC{stub.name(stub.current)}".encode()
    return {b"sThreadInfo": b"l", b"Attached": b"1", b"Symbol": b"OK"}.get(name, b"")


def _supported(stub: "Stub", said: bytes) -> bytes:
    features = said.split(b";")
    stub.names_breakpoints = b"swbreak+" in features and b"hwbreak+" in features
    stub.names_processes = stub.target.several and b"multiprocess+" in features
    found = [f"PacketSize={PACKET_SIZE:x}", "QStartNoAckMode+", "vContSupported+"]
    found += [f"qXfer:{each}:read+" for each in DOCUMENTS]
    found += ["swbreak+", "hwbreak+"] * stub.names_breakpoints
    found += ["ConditionalBreakpoints+"]
    found += ["ReverseStep+", "ReverseContinue+"] * stub.target.remembers
    found += ["multiprocess+"] * stub.names_processes
    return ";".join(found).encode()


def _document(stub: "Stub", text: bytes) -> bytes:
    object_, rest = pair(text, b":")
    operation, rest = pair(rest, b":")
    if object_.decode("ascii", "replace") not in DOCUMENTS or operation != b"read":
        return b""
    name, rest = pair(rest, b":")
    first, most = (number(each) for each in pair(rest))
    inferior = stub.inferior
    if object_ == b"exec-file":
        inferior = process(name, stub.attached) if name else inferior
        name = b""
    whole = document(stub, inferior, object_, name)
    if whole is None:
        return b"E00"
    if object_ == b"features":
        stub.steps_over_slots = True
    part = whole[first : first + min(most, PACKET_SIZE - 8)]
    return (b"l" if first + len(part) >= len(whole) else b"m") + part


def _command(stub: "Stub", line: bytes) -> "Answer":
    text = line.decode("utf-8", "replace")
    said = commands.execute(stub, text)
    return said if not isinstance(said, str) else said.encode()[:MOST_BYTES].hex().encode()
