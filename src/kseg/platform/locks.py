"""Locks on files, which other processes that ask for them respect (System/161 does)."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PAUSE = 0.001
"""Seconds between two attempts."""


def lock(file: int, *, shared: bool = False) -> None:
    """Lock an open file until it is closed, `shared` with others that lock it so; BlockingIOError
    if another process has it, OSError where it cannot be locked."""
    fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


@contextmanager
def locked_directory(path: Path, seconds: float) -> Iterator[None]:
    """Have a directory to this process alone meanwhile, among those that ask. BlockingIOError if
    another has it for more than so many seconds, OSError where it cannot be locked."""
    file = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        deadline = time.monotonic() + seconds
        while True:
            try:
                lock(file)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE)
        yield
    finally:
        os.close(file)
