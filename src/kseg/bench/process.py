"""Running a command and knowing what it cost; interleaved runs and the medians of their ratios.

What is measured is the processor time of the child process: the clock on the wall also counts
what other programs do. Two commands are compared by running them in turn, taking the ratio of
each pair of neighbours, and of these ratios the median: a machine that becomes slower or faster
in between then hits both.
"""

import math
import os
import pty
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

LONGEST_RUN = 300
"""Seconds after which a command is taken to hang."""


class MeasureError(RuntimeError):
    """A command failed, or computed something else than it should."""


@dataclass(frozen=True)
class Run:
    """One run of a command: what it printed, and its costs in seconds."""

    output: str
    processor_time: float
    wall_time: float


def run(
    command: Sequence[str | Path],
    directory: Path | None = None,
    *,
    terminal: bool = False,
    environment: Mapping[str, str] | None = None,
) -> Run:
    """Run `command` with its output caught; with `terminal`, it believes to be at one."""
    if terminal:
        reading, writing = pty.openpty()
    else:
        reading, writing = os.pipe()
    started = time.monotonic()
    process = subprocess.Popen(
        [str(word) for word in command],
        cwd=directory,
        stdin=writing if terminal else subprocess.DEVNULL,
        stdout=writing,
        stderr=writing,
        env={**os.environ, **(environment or {})},
    )
    os.close(writing)
    alarm = threading.Timer(LONGEST_RUN, process.kill)
    alarm.start()
    try:
        output = read_all(reading)
    except BaseException:
        process.kill()
        raise
    finally:
        alarm.cancel()
    _, status, usage = os.wait4(process.pid, 0)
    wall_time = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        words = " ".join(map(str, command))
        raise MeasureError(f"`{words}` ended with {process.returncode}:\n{output}")
    return Run(output, usage.ru_utime + usage.ru_stime, wall_time)


def read_all(descriptor: int) -> str:
    """Everything that comes before the other side closes, and close this one."""
    parts = []
    with open(descriptor, "rb", buffering=0) as stream:
        try:
            while part := stream.read(65536):
                parts.append(part)
        except OSError:
            pass  # how a terminal tells that the other side has closed
    return b"".join(parts).decode(errors="replace").replace("\r\n", "\n")


def median_ratio(ours: Iterable[float], theirs: Iterable[float]) -> float:
    """The median of the ratios of runs that stood beside each other."""
    return median(our / their for our, their in zip(ours, theirs, strict=True))


def geometric_mean(numbers: Iterable[float]) -> float:
    """The mean for ratios: 2 and 1/2 give 1."""
    logarithms = [math.log(number) for number in numbers]
    return math.exp(sum(logarithms) / len(logarithms))
