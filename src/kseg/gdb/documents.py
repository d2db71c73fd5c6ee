"""What GDB reads as documents (`qXfer`): the memory map, lists of threads and of guests, the
registers."""

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING

from kseg.gdb.inferior import Inferior
from kseg.gdb.registers import target_description
from kseg.gdb.threads import threads_of
from kseg.inspection.machine import InspectedMachine
from kseg.inspection.processor import Processor
from kseg.isa import registers as r

if TYPE_CHECKING:
    from kseg.gdb.stub import Stub

_SIGN = 0xFFFFFFFF_00000000
_TOP = 1 << 32


def document(stub: "Stub", inferior: Inferior, kind: bytes, name: bytes) -> bytes | None:
    """A document by the names that GDB has for it; None if there is none."""
    known: dict[tuple[bytes, bytes], Callable[[], str]] = {
        (b"features", b"target.xml"): target_description,
        (b"memory-map", b""): lambda: memory_map(inferior.machine),
        (b"threads", b""): lambda: thread_list(stub),
        (b"exec-file", b""): lambda: kernel_file(inferior.machine),
        (b"osdata", b""): lambda: process_types() if stub.names_processes else "",
        (b"osdata", b"processes"): lambda: process_list(stub),
    }
    found = known.get((kind, name))
    text = "" if found is None else found()
    return text.encode("utf-8", "surrogateescape") if text else None


def kernel_file(machine: InspectedMachine) -> str:
    """The file that the guest was booted from, so that GDB finds its symbols; "" where there is
    none any more."""
    path = machine.kernel.absolute()
    return str(path) if path.is_file() else ""


def memory_map(machine: InspectedMachine) -> str:
    """Where there is memory, at virtual addresses (GDB manual, "Memory Map Format").

    What the TLB maps counts as RAM, since it is not known what it will map. Device registers do
    too: GDB has no other word for them. Everything above 2 GiB is said a second time with the
    address extended to 64 bits by its sign, for that is how GDB computes MIPS addresses.
    """
    found = [("ram", 0, r.KSEG0), ("ram", r.KSEG2, _TOP - r.KSEG2)]
    windows = machine.board.bus.windows
    for base in (r.KSEG0, r.KSEG1):
        for region in machine.board.memory.regions:
            if not any(region.base in window for window in windows):
                kind = "ram" if region.writable else "rom"
                found.append((kind, base + region.base, region.size))
        found += (("ram", base + window.start, len(window)) for window in windows)
    extended = [(kind, _SIGN | start, size) for kind, start, size in found if start >= r.KSEG0]
    lines = ['<?xml version="1.0"?>', "<memory-map>"]
    lines += [
        f'<memory type="{kind}" start="{start:#x}" length="{size:#x}"/>'
        for kind, start, size in sorted(found + extended, key=lambda each: each[1])
    ]
    return "\n".join([*lines, "</memory-map>", ""])


def thread_list(stub: "Stub") -> str:
    """The processors, as threads (GDB manual, "Thread List Format")."""
    lines = ['<?xml version="1.0"?>', "<threads>"]
    for inferior in stub.attached:
        owner = f"{inferior.name} " if inferior.name else ""
        lines += [
            f'<thread id="{stub.name(thread)}" core="{thread.processor}"'
            f' name="{owner}CPU {thread.processor}">{condition(thread.it)}</thread>'
            for thread in threads_of(inferior)
        ]
    return "\n".join([*lines, "</threads>", ""])


def process_types() -> str:
    """What `info os` can show (GDB manual, "Operating System Information")."""
    return _table("types", [{"Type": "processes", "Description": "Guests", "Title": "Guests"}])


def process_list(stub: "Stub") -> str:
    """What `info os processes` shows: all guests, also those that can be attached to."""
    rows = [
        {"pid": str(each.number), "user": "", "command": f"{each.name} ({each.machine.kernel})"}
        for each in stub.target.inferiors
    ]
    return _table("processes", rows)


def _table(kind: str, rows: list[dict[str, str]]) -> str:
    lines = ['<?xml version="1.0"?>', f'<osdata type="{kind}">']
    for row in rows:
        lines.append("<item>")
        lines += (f'<column name="{key}">{escape(row[key])}</column>' for key in row)
        lines.append("</item>")
    return "\n".join([*lines, "</osdata>", ""])


def condition(processor: Processor) -> str:
    """What a processor is doing, in words."""
    mode = "user" if processor.in_user_mode else "kernel"
    return f"{processor.condition}, {mode} mode"
