"""Waiting until something can be read or written without waiting."""

import select
from collections.abc import Sequence
from typing import Protocol

Poll = select.poll
READ, WRITE = select.POLLIN, select.POLLOUT
HANG_UP = select.POLLHUP | select.POLLERR
"""What a `Poll` looks for, or says unasked."""


class HasDescriptor(Protocol):
    """A socket, for instance."""

    def fileno(self) -> int: ...


def readable(descriptor: int, seconds: float | None = None) -> bool:
    """Wait until a descriptor can be read or is at its end; False when so many seconds have passed
    without. ValueError or OSError when it is closed."""
    return bool(select.select([descriptor], [], [], seconds)[0])


def writable(descriptors: Sequence[int | HasDescriptor], seconds: float | None = None) -> None:
    """Wait until one of these can be written to, or so many seconds have passed."""
    select.select([], descriptors, [], seconds)
