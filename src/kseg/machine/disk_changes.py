"""Changes to a disk image that are made together: all of them, or none.

They are gathered in memory and checked by their maker, a file system; `DiskChanges.commit` then
makes a changed copy of the image and puts it in the image's place, so that there is the old image
or the new one whatever happens, a full disk and a kill included. Where no copy can be made (the
image has several names or is no regular file, its directory cannot be written, there is no room),
the image is written in place: room for everything is reserved first, and when the host fails all
the same, the old contents are written back.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

from kseg.errors import DiskImageError
from kseg.machine.disk_image import SECTOR_SIZE, DiskImage
from kseg.platform import copies
from kseg.platform.files import PartialFile

MOST_COPIED = 1 << 30
"""Bytes on the host of an image that is copied, at most: larger ones are written in place."""


class DiskChanges:
    """A disk image as it will be: what is written shows here at once, and after `commit` in the
    file."""

    def __init__(self, image: DiskImage) -> None:
        self._image = image
        self._written: dict[int, bytes] = {}

    @property
    def sectors(self) -> int:
        return self._image.sectors

    def read_sector(self, number: int) -> bytes:
        data = self._written.get(number)
        return self._image.read(number) if data is None else data

    def write_sector(self, number: int, data: bytes) -> None:
        if not 0 <= number < self.sectors or len(data) != SECTOR_SIZE:
            raise ValueError(f"{len(data)} bytes for sector {number} of {self.sectors}")
        self._written[number] = data

    def commit(self) -> None:
        """Make the changes; DiskImageError when the host refuses, and then nothing has changed."""
        image = self._image
        try:
            changed = {n: d for n, d in self._written.items() if image.read(n) != d}
            if changed and not _replace(image, changed):
                _write_in_place(image, changed)
        except OSError as error:
            raise DiskImageError(
                f"disk image {image.path}: {error.strerror}; nothing was changed"
            ) from None
        self._written.clear()


def _replace(image: DiskImage, changed: dict[int, bytes]) -> bool:
    """Put a changed copy in the image's place; False when that cannot be done."""
    path = Path(os.path.realpath(image.path))
    with suppress(OSError):
        status = image.identity()
        if not _may_be_replaced(path, status):
            return False
        with PartialFile(path) as copy:
            copies.keep_attributes(copy.file, status)
            copies.copy(image.file, copy.file, status.st_size)
            for number, data in changed.items():
                _write(copy.file, number, data)
            os.fsync(copy.file)
            # Locked before it can be found.
            image.adopt(copy.file, copy.take_place)
            return True
    return False


def _may_be_replaced(path: Path, status: os.stat_result) -> bool:
    found = path.stat()
    return (
        (found.st_dev, found.st_ino) == (status.st_dev, status.st_ino)
        and stat.S_ISREG(status.st_mode)
        and status.st_nlink == 1
        and status.st_blocks * 512 <= MOST_COPIED
    )


def _write_in_place(image: DiskImage, changed: dict[int, bytes]) -> None:
    """All the changes, or OSError and none."""
    copies.check_size((max(changed) + 2) * SECTOR_SIZE)
    for number in sorted(changed):
        copies.reserve(image.file, (number + 1) * SECTOR_SIZE, SECTOR_SIZE)
    old = {number: image.read(number) for number in changed}
    try:
        for number, data in changed.items():
            _write(image.file, number, data)
        os.fsync(image.file)
    except BaseException:
        for number, data in old.items():
            _write(image.file, number, data)
        raise


def _write(file: int, sector: int, data: bytes) -> None:
    copies.write_at(file, data, (sector + 1) * SECTOR_SIZE)
