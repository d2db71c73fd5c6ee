"""Running a machine with a profiler beside it."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from kseg.debug.profile import Profile
from kseg.debug.profiler import Profiler
from kseg.machine.clock import SECOND
from kseg.machine.system161 import NANOSECONDS_PER_CYCLE
from kseg.monitor.stop import StopReason

if TYPE_CHECKING:
    from kseg.api.machine import Machine


def profile(
    machine: "Machine",
    hz: int,
    stacks: bool,
    until: Callable[[], bool] | str | re.Pattern[str] | None,
    cycles: int | None,
    seconds: float | None,
) -> Profile:
    """See `kseg.api.machine.Machine.profile`."""
    profiler = Profiler(machine, hz=hz, stacks=stacks, symbols=machine.symbols)
    begin, limits = machine.cycles, [] if cycles is None else [cycles]
    if seconds is not None:
        limits.append(int(seconds * SECOND) // NANOSECONDS_PER_CYCLE)
    end = begin + min(limits) if limits else None
    condition = machine._condition(until)
    try:
        while True:
            next_ = profiler.next_cycle if end is None else min(profiler.next_cycle, end)
            stop = machine.run(until=condition, cycles=next_ - machine.cycles)
            profiler.sample_due()
            if stop.reason is not StopReason.CYCLE_LIMIT or machine.cycles == end:
                profiler.profile.stop = stop
                return profiler.profile
    finally:
        profiler.close()
