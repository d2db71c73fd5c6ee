"""A day's runs: boot, one command, quit. The whole process, and all processes that it starts, in
processor time.

cms stands for an operating system of the user's: its programs print, work on files, fork, miss the
TLB, and read a script. Each engine is measured at the first run ever, with an empty cache, and at
the third, with what two runs have left there. System/161 boots the same kernel.
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from kseg.api.guests import find_guest
from kseg.bench.harness import Harness
from kseg.bench.kseg_peer import Kseg
from kseg.bench.others import System161
from kseg.bench.peer import configuration, disk_configuration
from kseg.bench.process import MeasureError
from kseg.bench.samples import Samples

BUDGET = 12
FIRST_BUDGET = 6
"""Seconds at normal effort."""

COPIES = "; ".join(f"cp a:/f a:/{number}" for number in range(15))
RUNS = {
    "boot": "halt",
    "console": "; ".join(["help"] * 40) + "; halt",
    "files": f"format a:; primes 20000 > a:/f; {COPIES}; halt",
    "fork": "limit 0; spawn 500; halt",
    "TLB": "limit 0; misses 500000; halt",
}
"""What is measured, as the tables call it, and cms's boot string."""

LINES = 2000
TYPED = f"{LINES:,} lines"
"""A script of so many lines is piped in: System/161 loses most of it."""


def cms_command(
    harness: Harness, peer: Kseg | System161, boot_string: str, *, disk: bool = False
) -> Sequence[str | Path]:
    """The command by which a peer boots cms, on the same board for all of them."""
    kernel = "cms" if isinstance(peer, Kseg) else find_guest("cms").path
    config = disk_configuration(harness.work) if disk else configuration(harness.work)
    return peer.boot(kernel, boot_string, config=config)


def measure_day(harness: Harness) -> list[Samples]:
    """Times of the third runs, and of the first ones."""
    unit = "milliseconds of processor time"
    third = Samples("day", "a day's runs, the third time", unit, more_is_better=False)
    first = Samples("first day", "the same, the first time ever", unit, more_is_better=False)
    script = harness.work / "lines"
    script.write_text("".join(f"echo line {number}\n" for number in range(LINES)) + "halt\n")

    def run(peer: Kseg | System161, what: str, cache: Path) -> float:
        typed = what == TYPED
        command = cms_command(harness, peer, "" if typed else RUNS[what], disk=True)
        done = harness.run(command, cache=cache, source=script if typed else None)
        if typed and f"line {LINES - 1}\n" not in done.output:
            raise MeasureError(f"cms was not typed all of {what}:\n{done.output[-1000:]}")
        return done.processor_time * 1e3

    def again(peer: Kseg | System161) -> Callable[[str], float]:
        used = harness.work / f"used-{peer.name}"

        def milliseconds(what: str) -> float:
            cache = used / what.replace(" ", "-")
            if not cache.exists():
                cache.mkdir(parents=True)
                cache.chmod(0o700)
                for _ in range(2 if isinstance(peer, Kseg) else 0):
                    run(peer, what, cache)
            return run(peer, what, cache)

        return milliseconds

    def ever(peer: Kseg) -> Callable[[str], float]:
        empty = harness.work / f"empty-{peer.engine}"

        def milliseconds(what: str) -> float:
            shutil.rmtree(empty, ignore_errors=True)
            return run(peer, what, empty)

        return milliseconds

    present = [peer for peer in harness.peers if isinstance(peer, Kseg | System161)]
    harness.interleave(third, {peer.name: again(peer) for peer in present}, list(RUNS), BUDGET)
    engines = {peer.name: again(peer) for peer in harness.engines if peer.name in third.cells}
    harness.interleave(third, engines, [TYPED], BUDGET)
    harness.interleave(
        first, {peer.name: ever(peer) for peer in harness.engines}, [*RUNS, TYPED], FIRST_BUDGET
    )
    return [third, first]
