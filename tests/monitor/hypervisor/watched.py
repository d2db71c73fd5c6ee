"""Small kernels under a monitor, and what the monitor counts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kseg import Machine
from kseg.isa.assembler import assemble
from kseg.monitor.hypervisor.hypervisor import Hypervisor
from kseg.monitor.hypervisor.world import ExitKind, GuestRecord
from tests.monitor.observed import booted

KSEG0, WINDOW = 0x80000000, 0x40000000
USER, DATA = 0x1000, 0x2000
"""Virtual pages of programs: their code, and a page of data that may be stored to."""

SKELETON = """
        .equ    KBASE, {base:#x}
        .equ    DEVICES, {devices:#x}
        .org    KBASE                   # both vectors: skip the instruction
        b       skip
        nop
        .org    KBASE + 0x80
skip:   mtc0    zero, $13
        mfc0    k0, $14
        nop
        addiu   k0, k0, 4
        jr      k0
        rfe
        .org    KBASE + 0x200
__start:
        mtc0    zero, $12               # vectors are not those of the boot ROM
        {body}
done:   b       done
        nop
        .org    KBASE + 0x3000
user:   {program}
ended:  b       ended
        nop
"""
RUN_PROGRAM = """
        li      t0, 0x2000
        mtc0    t0, $10
        li      t0, 0x4600
        mtc0    t0, $2
        li      t0, 0x100
        mtc0    t0, $0
        tlbwi
        li      t0, 0x1000
        mtc0    t0, $10
        li      t0, 0x3200
        mtc0    t0, $2
        mtc0    zero, $0
        tlbwi
        li      t0, 8
        mtc0    t0, $12
        li      k0, 0x1000
        jr      k0
        rfe
"""
"""Enter the program, whose code is at USER."""


def kernel_source(body: str, program: str = "", window: bool = True) -> str:
    """A kernel that does something, and has a program that its body may run."""
    base, devices = (WINDOW, 0x5FE00000) if window else (KSEG0, 0xBFE00000)
    return SKELETON.format(base=base, devices=devices, body=body, program=program)


@contextmanager
def running(
    body: str, program: str = "", *, window: bool = True, monitor: str, engine: str
) -> Iterator[Machine]:
    """A machine about to execute such a kernel."""
    source = kernel_source(body, program, window)
    with booted(assemble(source, WINDOW if window else KSEG0), monitor, engine) as machine:
        yield machine


def hypervisor_of(machine: Machine) -> Hypervisor:
    engine: Any = machine.engine
    found: Hypervisor = engine.hypervisor
    return found


def record_of(machine: Machine) -> GuestRecord:
    engine: Any = machine.engine
    found: GuestRecord = engine.record
    return found


def exits(machine: Machine) -> dict[ExitKind, int]:
    """What the monitor counted so far."""
    counts = list(record_of(machine).exits)
    return {kind: counts[kind] for kind in ExitKind if counts[kind]}


def use_python(hypervisor: Hypervisor) -> None:
    """Let the Python dispatcher rule the hardware, whatever the engine."""
    hypervisor.supervisor.native = lambda _functions, _shared: 0  # type: ignore[method-assign]
    hypervisor.engine.supervisor = hypervisor.supervisor
