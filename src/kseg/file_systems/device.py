"""What file systems have in common: disks, changes that are made whole or not at all, errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol


class FileSystemError(ValueError):
    """The disk, a path or a request is wrong; the message says what to do about it."""


class DamagedError(FileSystemError):
    """What is on the disk contradicts itself."""


class SectorDevice(Protocol):
    """A disk: `sectors` sectors of 512 bytes, numbered from 0."""

    @property
    def sectors(self) -> int: ...

    def read_sector(self, number: int) -> bytes: ...

    def write_sector(self, number: int, data: bytes) -> None: ...


class Entry(NamedTuple):
    """One file or directory as `list` and `status` report it.

    `size` is in bytes, `modified` in seconds since 1970 (UTC), None where a file system does not
    know. Two names with the same `inode` are one file.
    """

    name: str
    is_directory: bool
    size: int
    modified: int | None
    inode: int


class Changes:
    """A disk whose changes wait in memory while they are being made `together`."""

    def __init__(self, disk: SectorDevice) -> None:
        self.disk = disk
        self._waiting: dict[int, bytes] | None = None

    @property
    def sectors(self) -> int:
        return self.disk.sectors

    def read_sector(self, number: int) -> bytes:
        if self._waiting is not None and number in self._waiting:
            return self._waiting[number]
        return self.disk.read_sector(number)

    def write_sector(self, number: int, data: bytes) -> None:
        if self._waiting is None:
            self.disk.write_sector(number, data)
        else:
            self._waiting[number] = data

    @contextmanager
    def together(self) -> Iterator[None]:
        """What the block writes goes to the disk when it ends; nothing does when it raises."""
        if self._waiting is not None:
            yield
            return
        waiting: dict[int, bytes] = {}
        self._waiting = waiting
        try:
            yield
        finally:
            self._waiting = None
        for number, data in waiting.items():
            self.disk.write_sector(number, data)


def check_time(modified: int) -> None:
    """FileSystemError for a time that no inode can hold."""
    if not 0 <= modified <= 0xFFFFFFFF:
        raise FileSystemError(f"time {modified} does not fit 32 bits; give seconds since 1970")


def components(path: str) -> list[str]:
    """The names that a path consists of."""
    return [part for part in path.split("/") if part]
