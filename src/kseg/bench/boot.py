"""Booting cms to its prompt and switching off: the whole process, by the clock on the wall.

Each engine starts for the first time ever, with an empty cache, and again with what it then finds
there. System/161 boots the same kernel.
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from kseg.api.guests import find_guest
from kseg.bench.harness import Harness
from kseg.bench.kseg_peer import Kseg
from kseg.bench.others import System161
from kseg.bench.peer import configuration
from kseg.bench.samples import Samples

BUDGET = 8
FIRST_BUDGET = 4
"""Seconds at normal effort."""

BOOT = "boot of cms"
"""What is measured, as the tables call it."""


def cms_command(harness: Harness, peer: Kseg | System161, boot_string: str) -> Sequence[str | Path]:
    """The command by which a peer boots cms, on the same board for all of them."""
    kernel = "cms" if isinstance(peer, Kseg) else find_guest("cms").path
    return peer.boot(kernel, boot_string, config=configuration(harness.work))


def measure_boot(harness: Harness) -> list[Samples]:
    """Times of the second start, and of the first start ever."""
    second = Samples("boot", "boot of cms, whole process", "milliseconds", more_is_better=False)
    first = Samples(
        "first boot", "the same, first start ever", "milliseconds", more_is_better=False
    )

    def again(peer: Kseg | System161) -> Callable[[str], float]:
        # As a user would say it: kseg has a board for cms without being told.
        command = (
            peer.boot("cms", "halt")
            if isinstance(peer, Kseg)
            else cms_command(harness, peer, "halt")
        )
        return lambda _: harness.run(command).wall_time * 1e3

    def ever(peer: Kseg) -> Callable[[str], float]:
        empty = harness.work / f"empty-{peer.engine}"

        def milliseconds(_: str) -> float:
            shutil.rmtree(empty, ignore_errors=True)
            return harness.run(peer.boot("cms", "halt"), cache=empty).wall_time * 1e3

        return milliseconds

    present = [peer for peer in harness.peers if isinstance(peer, Kseg | System161)]
    # The survey has booted cms already: the cache has what an engine keeps of it.
    harness.interleave(second, {peer.name: again(peer) for peer in present}, [BOOT], BUDGET)
    harness.interleave(
        first, {peer.name: ever(peer) for peer in harness.engines}, [BOOT], FIRST_BUDGET
    )
    return [second, first]
