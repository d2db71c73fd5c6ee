"""What GDB reads as documents (`qXfer`): the memory map, the list of threads, the registers."""

from collections.abc import Callable

from kseg.debug.machine import Machine, Processor
from kseg.debug.registers import target_description
from kseg.devices.device import BUS_BASE
from kseg.isa import registers as r
from kseg.machine.lamebus import BUS_END

_SIGN = 0xFFFFFFFF_00000000
_TOP = 1 << 32


def document(machine: Machine, kind: bytes, name: bytes) -> bytes | None:
    """A document by the names that GDB has for it; None if there is none."""
    known: dict[tuple[bytes, bytes], Callable[[], str]] = {
        (b"features", b"target.xml"): target_description,
        (b"memory-map", b""): lambda: memory_map(machine),
        (b"threads", b""): lambda: thread_list(machine),
    }
    found = known.get((kind, name))
    return None if found is None else found().encode()


def memory_map(machine: Machine) -> str:
    """Where there is memory, at virtual addresses (GDB manual, "Memory Map Format").

    What the TLB maps counts as RAM, since nobody knows what it will map. Device registers do too:
    GDB has no other word for them. Everything above 2 GiB is said a second time with the address
    extended to 64 bits by its sign, for that is how GDB computes MIPS addresses.
    """
    found = [("ram", 0, r.KSEG0), ("ram", r.KSEG2, _TOP - r.KSEG2)]
    for base in (r.KSEG0, r.KSEG1):
        for region in machine.board.memory.regions:
            if region.end <= BUS_BASE:
                kind = "ram" if region.writable else "rom"
                found.append((kind, base + region.base, region.size))
        found.append(("ram", base + BUS_BASE, BUS_END - BUS_BASE))
    extended = [(kind, _SIGN | start, size) for kind, start, size in found if start >= r.KSEG0]
    lines = ['<?xml version="1.0"?>', "<memory-map>"]
    lines += [
        f'<memory type="{kind}" start="{start:#x}" length="{size:#x}"/>'
        for kind, start, size in sorted(found + extended, key=lambda each: each[1])
    ]
    return "\n".join([*lines, "</memory-map>", ""])


def thread_list(machine: Machine) -> str:
    """The processors, as threads (GDB manual, "Thread List Format")."""
    lines = ['<?xml version="1.0"?>', "<threads>"]
    lines += [
        f'<thread id="{number + 1:x}" core="{number}" name="CPU {number}">'
        f"{condition(processor)}</thread>"
        for number, processor in enumerate(machine.processors)
    ]
    return "\n".join([*lines, "</threads>", ""])


def condition(processor: Processor) -> str:
    """What a processor is doing, in words."""
    mode = "user" if processor.in_user_mode else "kernel"
    return f"{processor.condition}, {mode} mode"
