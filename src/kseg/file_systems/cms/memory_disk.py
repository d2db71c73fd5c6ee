"""A disk in memory, and an image that is made in one."""

from __future__ import annotations

from collections.abc import Mapping

from ..device import FileSystemError
from ..format import BLOCK_SIZE
from .file_system import CmsFileSystem, make_file_system
from .layout import MINIMUM_BLOCKS


class MemoryDisk:
    """A disk held in memory: `contents` is the image, without any header."""

    def __init__(self, sectors: int = 0, contents: bytes = b"") -> None:
        """Make a disk of `sectors` zeroed sectors, or one that holds `contents`."""
        if len(contents) % BLOCK_SIZE:
            raise FileSystemError(
                f"a disk image of {len(contents)} bytes is no whole number of "
                f"{BLOCK_SIZE}-byte sectors; give a complete image"
            )
        self.contents = bytearray(contents or bytes(sectors * BLOCK_SIZE))

    @property
    def sectors(self) -> int:
        return len(self.contents) // BLOCK_SIZE

    def read_sector(self, number: int) -> bytes:
        return bytes(self.contents[number * BLOCK_SIZE : (number + 1) * BLOCK_SIZE])

    def write_sector(self, number: int, data: bytes) -> None:
        self.contents[number * BLOCK_SIZE : (number + 1) * BLOCK_SIZE] = data


def pack(files: Mapping[str, bytes], *, label: str = "", modified: int = 0) -> bytes:
    """A disk image with `files` in its root directory, and no room for more.

    The image depends on the arguments only. `modified` is the time of every file,
    in seconds since 1970. Raises FileSystemError if a name or a file is not
    acceptable.
    """
    inodes = len(files) + 2
    roomy = sum(len(data) // BLOCK_SIZE * 33 // 32 + 4 for data in files.values()) + inodes
    disk = MemoryDisk(MINIMUM_BLOCKS + roomy * 33 // 32)
    used = disk.sectors - _fill_disk(disk, files, label, inodes, modified).free_blocks()
    exact = MemoryDisk(max(used, MINIMUM_BLOCKS))
    _fill_disk(exact, files, label, inodes, modified)
    return bytes(exact.contents)


def _fill_disk(
    disk: MemoryDisk, files: Mapping[str, bytes], label: str, inodes: int, modified: int
) -> CmsFileSystem:
    system = make_file_system(disk, label=label, inodes=inodes, modified=modified)
    for name in sorted(files):
        system.put(name, files[name], modified)
    return system
