"""Running a machine under a profiler."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from kseg import checks
from kseg.profile.profiler import MOST_HZ, Profiler
from kseg.profile.samples import Profile

if TYPE_CHECKING:
    from kseg.api.virtual_machine import VirtualMachine


def profile(
    machine: "VirtualMachine",
    hz: int,
    stacks: bool,
    until: Callable[[], bool] | str | re.Pattern[str] | None,
    cycles: int | None,
    seconds: float | None,
) -> Profile:
    """See `VirtualMachine.profile`."""
    hz = checks.whole("hz", hz, 1, MOST_HZ)
    stacks = checks.flag("stacks", stacks)
    machine.board.run_lock.check()
    profiler = Profiler(machine, hz=hz, stacks=stacks, symbols=machine.symbols)
    try:
        with machine.observers.added(profiler):
            stop = machine.run(until=until, cycles=cycles, seconds=seconds)
    finally:
        profiler.close()
    profiler.profile.stop = stop
    return profiler.profile
