"""Sockets in the file system: for this user only, and free again when a process has left one."""

import errno
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DATAGRAM, STREAM = socket.SOCK_DGRAM, socket.SOCK_STREAM

NO_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
"""Errors of `accept` where the host may have room for a connection later, and not at once."""


def local(kind: int = STREAM) -> socket.socket:
    """A socket that has its name in the file system; OSError where there are none."""
    return socket.socket(socket.AF_UNIX, kind)


def is_local(stream: socket.socket) -> bool:
    """Is it such a one?"""
    return stream.family == socket.AF_UNIX


def answers(path: str | Path, kind: int = STREAM) -> bool:
    """Does a process listen at a path? False if the socket there was left by a process that was
    killed; OSError is for the caller where one cannot find out."""
    with local(kind) as probe:
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            return False
    return True


@contextmanager
def private() -> Iterator[None]:
    """Sockets that are bound meanwhile are this user's only (mode 0600)."""
    before = os.umask(0o177)
    try:
        yield
    finally:
        os.umask(before)


def limit_sending(stream: socket.socket, seconds: int) -> None:
    """Sending fails after so many seconds in which the other side takes nothing; receiving waits
    as long as it takes."""
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", seconds, 0))
