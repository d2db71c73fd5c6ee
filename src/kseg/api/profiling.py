"""Running a machine under a profiler."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from kseg import checks
from kseg.api.options import limit_of
from kseg.monitor.stop import StopReason
from kseg.profile.profiler import MOST_HZ, Profiler
from kseg.profile.samples import Profile

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
    hz = checks.whole("hz", hz, 1, MOST_HZ)
    stacks = checks.flag("stacks", stacks)
    limit = limit_of(cycles, seconds, machine.board.time_model)
    until = checks.condition("until", until)
    machine.board.run_lock.check()
    profiler = Profiler(machine, hz=hz, stacks=stacks, symbols=machine.symbols)
    end = None if limit is None else machine.cycles + limit
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
