"""Short runs: the processor time of the whole process, and of all that it starts.

Starting, loading, translating: everything counts. kseg keeps translated code between runs, so it
is measured twice: *first*, with a cache that holds the interpreter alone, and the third time, with
what two runs have left there. An engine that leaves nothing has no first time of its own.
"""

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from kseg.bench.harness import Harness
from kseg.bench.kseg_peer import Kseg
from kseg.bench.peer import Peer
from kseg.bench.process import MeasureError
from kseg.bench.programs import PROGRAMS
from kseg.bench.samples import Samples

FIRST = ", first time"
"""What is added to the name of an engine that starts with an empty code cache."""

SIZES = {"10 M": 10_000_000, "100 M": 100_000_000, "1 G": 1_000_000_000}
"""Instructions, by what a size is called."""

WAIT, QUIET, MOST_WAITS = 0.1, 0.6, 100
"""Seconds between two looks into a cache, for how long nothing must have changed, and how many
looks there are at most."""

BUDGETS = {"10 M": 6, "100 M": 12, "1 G": 40}
"""Seconds at normal effort."""


def measure_short(harness: Harness, programs: Sequence[str]) -> list[Samples]:
    """Every peer's times at each of the programs, by size."""
    return [_measure_size(harness, programs, size) for size in SIZES]


def _measure_size(harness: Harness, programs: Sequence[str], size: str) -> Samples:
    title = f"{size} instructions, whole process"
    samples = Samples(f"short {size}", title, "seconds of processor time", more_is_better=False)
    samples.instructions = {
        program: PROGRAMS[program].preparing + _rounds(program, size) * PROGRAMS[program].each
        for program in programs
    }
    measure: dict[str, Callable[[str], float]] = {}
    for peer in harness.peers:
        if not harness.has_time_for(peer, SIZES[size], f"{size} instructions"):
            continue
        if isinstance(peer, Kseg):
            try:
                measure |= _first_and_warm(harness, peer, size)
            except MeasureError as error:
                harness.failed(peer.name, error)
        else:
            measure[peer.name] = _processor_time(harness, peer, size)
    return harness.interleave(samples, measure, programs, BUDGETS[size])


def _rounds(program: str, size: str) -> int:
    return PROGRAMS[program].rounds(SIZES[size])


def _processor_time(harness: Harness, peer: Peer, size: str) -> Callable[[str], float]:
    return lambda program: harness.run_program(peer, program, _rounds(program, size)).processor_time


def _first_and_warm(harness: Harness, peer: Kseg, size: str) -> dict[str, Callable[[str], float]]:
    """The two ways to measure an engine, or one where there is no difference."""
    fresh = fresh_cache(harness, peer)
    used = fresh

    def run_with(program: str, cache: Path) -> float:
        done = harness.run_program(peer, program, _rounds(program, size), cache=cache)
        wait_until_settled(cache)
        return done.processor_time

    def first(program: str) -> float:
        nonlocal used
        used = _copy(harness, fresh)
        return run_with(program, used)

    def warm(program: str) -> float:
        run_with(program, used)  # In which the compiler does what later runs have for nothing.
        return run_with(program, used)

    if not _keeps_code(harness, peer, fresh):
        return {peer.name: lambda program: run_with(program, fresh)}
    # In this order: the others use what the first has left.
    return {peer.name + FIRST: first, peer.name: warm}


def fresh_cache(harness: Harness, peer: Kseg) -> Path:
    """A cache with the interpreter, which was used for nothing but booting cms."""
    path = harness.work / f"fresh-{peer.engine}"
    if not path.exists():
        harness.run(peer.boot("cms", "halt"), cache=path)
        # An engine that needs no cache makes none.
        path.mkdir(exist_ok=True, mode=0o700)
        wait_until_settled(path)
    return path


def _copy(harness: Harness, cache: Path) -> Path:
    path = Path(tempfile.mkdtemp(prefix="cache-", dir=harness.work))
    shutil.copytree(cache, path, dirs_exist_ok=True)
    return path


def wait_until_settled(cache: Path) -> None:
    """kseg's compiler goes on for a moment when a machine has ended, and keeps what it made: wait
    until nothing more comes, or it takes too long."""
    seen, quiet = _sizes(cache), 0
    for _ in range(MOST_WAITS):
        time.sleep(WAIT)
        now = _sizes(cache)
        quiet = quiet + 1 if now == seen else 0
        seen = now
        if quiet * WAIT >= QUIET:
            return


def _sizes(directory: Path) -> dict[str, tuple[int, int]]:
    found = {}
    for path in directory.glob("*"):
        with suppress(OSError):
            status = path.stat()
            found[path.name] = status.st_size, status.st_mtime_ns
    return found


def _keeps_code(harness: Harness, peer: Kseg, fresh: Path) -> bool:
    """Whether a run leaves anything in the cache that was not there."""
    trial = _copy(harness, fresh)
    program = next(iter(PROGRAMS))
    rounds = max(1, int(harness.speeds[peer.name].rounds_per_second / 10))
    harness.run_program(peer, program, rounds, cache=trial)
    wait_until_settled(trial)
    return _contents(trial) != _contents(fresh)


def _contents(directory: Path) -> dict[str, bytes]:
    files = [path for path in directory.rglob("*") if path.is_file()]
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}
