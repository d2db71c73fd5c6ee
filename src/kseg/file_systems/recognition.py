"""Which file system is on a disk."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from .device import Entry, FileSystemError, SectorDevice


class FileSystem(Protocol):
    """An open file system: what `cms.file_system.CmsFileSystem` and `sfs.file_system.SfsFileSystem`
    have in common. Every method raises FileSystemError, and the disk is as it was then."""

    label: str

    @property
    def name(self) -> str: ...

    @property
    def block_count(self) -> int: ...

    def free_blocks(self) -> int: ...

    def together(self) -> AbstractContextManager[None]: ...

    def list(self, path: str = "/") -> list[Entry]: ...

    def status(self, path: str) -> Entry: ...

    def get(self, path: str) -> bytes: ...

    def put(self, path: str, data: bytes, modified: int = 0) -> None: ...

    def make_directory(self, path: str, modified: int = 0) -> None: ...

    def remove(self, path: str) -> None: ...

    def rename(self, source: str, target: str) -> None: ...

    def check(self) -> tuple[str, ...]: ...

    def repair(self) -> tuple[str, ...]: ...


class UnknownFileSystemError(FileSystemError):
    """There is none on the disk that kseg knows."""


def open_file_system(disk: SectorDevice) -> FileSystem:
    """The file system on a disk; UnknownFileSystemError when there is none that kseg knows,
    DamagedError when its beginning is damaged."""
    from .cms import layout as cms
    from .sfs import layout as sfs

    magic = int.from_bytes(disk.read_sector(0)[:4], "big") if disk.sectors >= 8 else 0
    if magic == cms.MAGIC:
        from .cms.file_system import CmsFileSystem

        return CmsFileSystem(disk)
    if magic == sfs.MAGIC:
        from .sfs.file_system import SfsFileSystem

        return SfsFileSystem(disk)
    raise UnknownFileSystemError(
        "holds no file system that kseg knows (those of cms and OS/161); make one with `format` in"
        " cms, mksfs in OS/161, or with: kseg disk create --format, or --sfs"
    )
