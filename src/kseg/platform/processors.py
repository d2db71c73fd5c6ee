"""The host's processors: how many there are for us, and what they are."""

import functools
import os
from pathlib import Path

from kseg.platform import host

_IDENTITY = (
    "vendor_id", "cpu family", "model", "stepping", "flags",
    "CPU implementer", "CPU variant", "CPU part", "Features",
)  # fmt: skip
"""What /proc/cpuinfo says of x86-64, and of AArch64."""


def usable() -> int:
    """How many may execute this process."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load() -> float:
    """How many processes wanted one in the last minute, on average; 0 where that is not known."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


@functools.cache
def identity() -> str:
    """The kind of processor with all that it can do: code for this one may not run on another.
    Hosts that do not say are all the same."""
    lines = _described()
    return "\n".join(line for line in lines if line.startswith(_IDENTITY)) or host.PROCESSOR


def model() -> str:
    """What people call it."""
    for line in _described():
        if line.startswith("model name"):
            return line.partition(": ")[2]
    return host.PROCESSOR


def _described() -> list[str]:
    """What the system says of the first one."""
    try:
        return Path("/proc/cpuinfo").read_text().partition("\n\n")[0].splitlines()
    except OSError:
        return []
