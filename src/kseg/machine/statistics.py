"""What a run did, as data, and as the lines System/161 prints when it exits."""

from collections.abc import Sequence

import msgspec

from kseg.engine.state import ProcessorState
from kseg.isa.exceptions import ExceptionCode
from kseg.machine.event_queue import Count


class DeviceActivity(msgspec.Struct):
    """What devices did since power-on; devices count in one that is `live`."""

    disk_reads: Count = 0
    """Sectors."""
    disk_writes: Count = 0
    console_reads: Count = 0
    """Characters."""
    console_writes: Count = 0
    file_reads: Count = 0
    """Operations of the emulator file system."""
    file_writes: Count = 0
    file_others: Count = 0
    packets_received: Count = 0
    packets_sent: Count = 0
    packets_dropped: Count = 0
    packet_errors: Count = 0


class ProcessorStatistics(msgspec.Struct, frozen=True):
    """One processor. Cycles in which it executed count by mode; `kernel_stalls` and `user_stalls`
    are those among them that waited for HI or LO and retired nothing."""

    number: int
    kernel_cycles: int
    user_cycles: int
    idle_cycles: int
    """Cycles in which it did not run while some other processor did."""
    kernel_stalls: int
    user_stalls: int
    interrupts: int
    exceptions: dict[str, int]
    """By name, interrupts left out, those that did not occur left out."""
    tlb_refills: int
    load_linked: int
    store_conditional_success: int
    store_conditional_failure: int
    sync: int


class Statistics(msgspec.Struct, frozen=True):
    """A machine since power-on: times in ns, the rest counts."""

    processors: list[ProcessorStatistics]
    devices: DeviceActivity
    run_cycles: int
    """Cycles of bursts, with the part of a burst in which every processor idled."""
    idle_cycles: int
    """Cycles in which every processor idled."""
    virtual_time: int
    wall_time: int

    @property
    def kernel_cycles(self) -> int:
        return sum(processor.kernel_cycles for processor in self.processors)

    @property
    def user_cycles(self) -> int:
        return sum(processor.user_cycles for processor in self.processors)

    def lines(self, nanoseconds_per_cycle: int = 40) -> list[str]:
        """System/161's exit statistics, a line each (without its prefix "sys161: ")."""
        total = self.run_cycles + self.idle_cycles
        lines = [f"{total} cycles ({self.run_cycles} run, {self.idle_cycles} global-idle)"]
        lines += [processor_line(processor) for processor in self.processors]
        lines.append(activity_line(self.processors, self.devices))
        wall, virtual = self.wall_time / 1e9, divmod(self.virtual_time, 1_000_000_000)
        rate = total / max(wall * 1e6, 1e-6)
        lines.append(f"Elapsed real time: {wall:.6f} seconds ({rate:g} mhz)")
        lines.append(
            f"Elapsed virtual time: {virtual[0]}.{virtual[1]:09d} seconds"
            f" ({1000 // nanoseconds_per_cycle} mhz)"
        )
        return lines


def processor_line(processor: ProcessorStatistics, extra_kernel_cycles: int = 0) -> str:
    """One processor as System/161 prints it."""
    p = processor
    return (
        f"  cpu{p.number}: {p.kernel_cycles + extra_kernel_cycles} kern, {p.user_cycles} user,"
        f" {p.idle_cycles} idle; {p.load_linked} ll,"
        f" {p.store_conditional_success}/{p.store_conditional_failure} sc, {p.sync} sync"
    )


def activity_line(processors: Sequence[ProcessorStatistics], devices: DeviceActivity) -> str:
    """Exceptions and devices as System/161 prints them."""
    d = devices
    interrupts = sum(processor.interrupts for processor in processors)
    exceptions = sum(sum(processor.exceptions.values()) for processor in processors)
    return (
        f"{interrupts} irqs {exceptions} exns"
        f" {d.disk_reads}r/{d.disk_writes}w disk"
        f" {d.console_reads}r/{d.console_writes}w console"
        f" {d.file_reads}r/{d.file_writes}w/{d.file_others}m emufs"
        f" {d.packets_received}r/{d.packets_sent}w net"
    )


def retired(processor: ProcessorState) -> tuple[int, int]:
    """Instructions that a processor has completed, in kernel and in user mode: those that waited or
    took an exception are begun anew, and count when they complete."""
    faults = sum(processor.exceptions) - processor.exceptions[0]
    kernel = processor.kernel_cycles - processor.kernel_stalls
    user = processor.user_cycles - processor.user_stalls
    return kernel - faults + processor.user_exceptions, user - processor.user_exceptions


def processor_statistics(processor: ProcessorState) -> ProcessorStatistics:
    """One processor's counters, by name."""
    counts = list(processor.exceptions)
    names = {int(code): code.name.lower() for code in ExceptionCode}
    return ProcessorStatistics(
        number=processor.identity,
        kernel_cycles=processor.kernel_cycles,
        user_cycles=processor.user_cycles,
        idle_cycles=processor.idle_cycles,
        kernel_stalls=processor.kernel_stalls,
        user_stalls=processor.user_stalls,
        interrupts=counts[0],
        exceptions={
            names.get(code, str(code)): count for code, count in enumerate(counts) if code and count
        },
        tlb_refills=processor.tlb_refills,
        load_linked=processor.ll_count,
        store_conditional_success=processor.sc_success,
        store_conditional_failure=processor.sc_failure,
        sync=processor.sync_count,
    )
