"""What a monitor did for one guest, as plain data."""

import msgspec

from kseg.monitor.hypervisor.world import ExitKind, GuestRecord


class MonitorStatistics(msgspec.Struct, frozen=True):
    """Since the guest was switched on. Cycles are instructions, and waits for HI and LO."""

    direct_cycles: int
    """Executed by the hardware."""
    emulated_cycles: int
    """Executed by the monitor, on the virtual processor."""
    rewritten: int
    """Trapping instructions that were rewritten in place."""
    exits: dict[str, int]
    """By kind (`kseg.monitor.hypervisor.world.ExitKind`), in lower case: those there were."""


def monitor_statistics(record: GuestRecord) -> MonitorStatistics:
    """What a guest's record says."""
    exits = {kind.name.lower(): int(record.exits[kind]) for kind in ExitKind}
    return MonitorStatistics(
        direct_cycles=record.direct_cycles,
        emulated_cycles=record.emulated_cycles,
        rewritten=record.rewritten,
        exits={name: count for name, count in exits.items() if count},
    )
