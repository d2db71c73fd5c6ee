"""OS/161, if the user has a kernel: the processor time of the whole process, and of all that it
starts.

A run may write to its disks and its directory, so each gets a fresh copy of the directory.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kseg.bench.harness import Harness
from kseg.bench.kseg_peer import Kseg
from kseg.bench.others import System161
from kseg.bench.process import MeasureError
from kseg.bench.samples import Samples
from kseg.errors import KsegError

CONFIGURATION = "sys161.conf"

USUAL_RUNS = (
    "q",
    ";".join(["tt1"] * 8) + ";q",
    "p /testbin/sort;q",
    "p /testbin/matmult;q",
    "p /testbin/forktest;q",
)
"""What a kernel is to do where the user does not say. It must survive all of them."""

LONG_ENOUGH = 100_000_000
"""Instructions from which on a workload counts for the target."""

BUDGET = 20
"""Seconds at normal effort."""


@dataclass(frozen=True)
class Os161:
    """A kernel of the user's and what it is to do."""

    kernel: Path
    """In a directory with sys161.conf and all that the kernel needs."""
    boot_strings: Sequence[str]
    """Each must end in switching the machine off."""

    def check(self) -> None:
        """KsegError if it cannot be booted."""
        for path in (self.kernel, self.kernel.parent / CONFIGURATION):
            if not path.is_file():
                raise KsegError(f"--os161 {self.kernel}: there is no file {path}")


def measure_os161(harness: Harness, system: Os161) -> Samples:
    """kseg's engines' and System/161's times for each boot string."""
    samples = Samples(
        "os161", "OS/161, whole process", "seconds of processor time", more_is_better=False
    )
    present = [peer for peer in harness.peers if isinstance(peer, Kseg | System161)]
    for boot_string in system.boot_strings:
        with _copy(harness, system) as directory:
            command = _command(harness.engines[0], system, directory, boot_string)
            try:
                counted = harness.count(command, directory)
            except MeasureError as error:
                harness.failed(harness.engines[0].name, error)
                return samples
            samples.instructions[boot_string] = counted.instructions

    def timed(peer: Kseg | System161) -> Callable[[str], float]:
        def seconds(boot_string: str) -> float:
            with _copy(harness, system) as directory:
                command = _command(peer, system, directory, boot_string)
                return harness.run(command, directory=directory).processor_time

        return seconds

    most = max(samples.instructions.values())
    measure = {
        peer.name: timed(peer)
        for peer in present
        # Without System/161 there is nothing to compare with, so it may take its time.
        if isinstance(peer, System161) or harness.has_time_for(peer, most, "OS/161")
    }
    return harness.interleave(samples, measure, system.boot_strings, BUDGET)


@contextmanager
def _copy(harness: Harness, system: Os161) -> Iterator[Path]:
    """A copy of the kernel's directory, as long as it is needed."""
    copy = harness.work / "os161"
    # Sockets cannot be copied; System/161 makes its own.
    ignored = shutil.ignore_patterns(".sockets")
    shutil.copytree(system.kernel.parent, copy, symlinks=True, ignore=ignored)
    try:
        yield copy
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def _command(
    peer: Kseg | System161, system: Os161, directory: Path, boot_string: str
) -> Sequence[str | Path]:
    kernel = directory / system.kernel.name
    return peer.boot(kernel, boot_string, config=directory / CONFIGURATION)
