"""Locks on files, which other processes that ask for them respect (System/161 does)."""

import fcntl


def lock(file: int, *, shared: bool = False) -> None:
    """Lock an open file until it is closed, `shared` with others that lock it so; BlockingIOError
    if another process has it, OSError where it cannot be locked."""
    fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
