"""Which file system is on a disk."""

from __future__ import annotations

from .device import FileSystemError, SectorDevice
from .file_system import FileSystem


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
