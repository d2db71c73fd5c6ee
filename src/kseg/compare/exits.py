"""What a monitor had to do for a guest, read off its record."""

from dataclasses import dataclass, field

from kseg.api.machine import Machine
from kseg.monitor.hypervisor.virtual_processor import VirtualProcessor
from kseg.monitor.hypervisor.world import ExitKind, GuestRecord


@dataclass(frozen=True)
class Exits:
    """How often something happened, and how long that took each time."""

    count: int
    nanoseconds: float | None = None
    """Of the host's time; None where it was not measured. The mean of a monitor's exits; the median
    of device accesses, the first of which take many times as long as the others."""


@dataclass(frozen=True)
class Work:
    """Who executed a guest's instructions. A cycle is an instruction, or a wait for HI or LO."""

    direct_cycles: int
    """Executed by the hardware; on the bare machine, all."""
    emulated_cycles: int = 0
    """Executed by the monitor."""
    rewritten: int = 0
    """Instructions that the monitor has rewritten in place."""
    exits: dict[str, Exits] = field(default_factory=dict)
    """By ExitKind, its name in lower case; those that did not occur are left out."""

    @property
    def exit_count(self) -> int:
        return sum(each.count for each in self.exits.values())


def start_timing(machine: Machine) -> None:
    """Let the monitor, if there is one, measure how long exits take."""
    if isinstance(machine.engine, VirtualProcessor):
        machine.engine.hypervisor.world.timed = 1


def work(machine: Machine, nanoseconds_per_tick: float | None = None) -> Work:
    """What was done since power-on; without the length of a tick, exits have no times."""
    if isinstance(machine.engine, VirtualProcessor):
        return record_work(machine.engine.record, nanoseconds_per_tick)
    return Work(executed_cycles(machine))


def executed_cycles(machine: Machine) -> int:
    """Cycles in which the processors executed, all of them together."""
    return sum(each.kernel_cycles + each.user_cycles for each in machine.board.processors)


def record_work(record: GuestRecord, nanoseconds_per_tick: float | None = None) -> Work:
    """The same from a monitor's record. A dispatcher need not fill in `ticks`: 0 is unknown."""
    exits = {}
    for kind in ExitKind:
        count, ticks = record.exits[kind], record.ticks[kind]
        if count:
            known = ticks and nanoseconds_per_tick is not None
            cost = ticks * nanoseconds_per_tick / count if known else None
            exits[kind.name.lower()] = Exits(count, cost)
    return Work(record.direct_cycles, record.emulated_cycles, record.rewritten, exits)
