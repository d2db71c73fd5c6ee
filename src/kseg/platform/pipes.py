"""Messages through pipes between processes: each is whole, whatever its length."""

import os
from collections.abc import Iterable
from multiprocessing.connection import Connection, wait
from typing import IO, cast

__all__ = ["Connection", "ready", "receiver", "sender"]


def receiver(pipe: IO[bytes] | int) -> "Connection":
    """The end of a pipe, a descriptor or a file which is closed, from which messages come."""
    return Connection(_own(pipe), writable=False)


def sender(pipe: IO[bytes] | int) -> "Connection":
    """The end of a pipe into which messages go."""
    return Connection(_own(pipe), readable=False)


def _own(pipe: IO[bytes] | int) -> int:
    """A descriptor, for the connection to close."""
    if isinstance(pipe, int):
        return os.dup(pipe)
    with pipe:
        return os.dup(pipe.fileno())


def ready(connections: Iterable["Connection"]) -> list["Connection"]:
    """Wait until there is something to receive, or nothing more will ever come: where that is."""
    return cast("list[Connection]", wait(list(connections)))
