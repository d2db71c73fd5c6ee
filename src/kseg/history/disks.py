"""Disk image files beside a snapshot: what is noted about them, and whether they are the same.

A snapshot does not hold what is in an image file. A machine that went on with a file that changed
meanwhile would find a file system from the future, and destroy it.
"""

import time
from collections.abc import Sequence
from pathlib import Path

from kseg.devices.disk import Disk
from kseg.errors import StateError
from kseg.history.state import DiskFile
from kseg.machine.board import Board
from kseg.machine.disk_image import DiskImage, FrozenImage, MemoryDisk

SETTLED = 2_000_000_000
"""ns after which a further change of a file must give it another modification time: some hosts
count in seconds."""
MOST_DIGESTED = 16 << 20
"""Bytes of a file that are read to note what is in it."""
MOST_DIGESTED_FRESH = 256 << 20
"""The same for a file that was written just now, where the time says too little."""


def image_file(card: Disk) -> DiskImage | FrozenImage | None:
    """The image file that a drive reads, if there is one."""
    contents = card.contents
    if isinstance(contents, MemoryDisk):
        base = contents.base
        return base if isinstance(base, DiskImage | FrozenImage) else None
    return contents if isinstance(contents, DiskImage) else None


def disk_files(board: Board) -> list[DiskFile]:
    """The image files of a machine as they are now; StateError when one cannot be read."""
    return [
        _describe(card.slot, str(card.context.directory / card.options.file), image)
        for card, image in _drives(board)
    ]


def _drives(board: Board) -> list[tuple[Disk, DiskImage | FrozenImage]]:
    cards = [card for card in board.cards if isinstance(card, Disk)]
    return [(card, image) for card in cards if (image := image_file(card)) is not None]


def _describe(slot: int, path: str, image: DiskImage | FrozenImage) -> DiskFile:
    try:
        status = image.identity()
        settled = time.time_ns() - status.st_mtime_ns > SETTLED
        most = MOST_DIGESTED if settled else MOST_DIGESTED_FRESH
        digest = image.digest() if status.st_size <= most else None
    except OSError as error:
        raise StateError(f"disk image {path}: {error.strerror}") from None
    return DiskFile(
        slot=slot,
        path=str(Path(path).absolute()),
        size=status.st_size,
        modified=status.st_mtime_ns,
        settled=settled,
        digest=digest,
    )


def check_disk_files(board: Board, files: Sequence[DiskFile]) -> None:
    """Raise StateError unless the machine's image files are those of a snapshot, unchanged."""
    drives = {card.slot: (card, image) for card, image in _drives(board)}
    expected = {file.slot: file for file in files}
    if drives.keys() != expected.keys():
        raise StateError("the machine has image files in other drives than the saved one")
    for slot, (card, image) in drives.items():
        _check(str(card.context.directory / card.options.file), image, expected[slot])


def _check(path: str, image: DiskImage | FrozenImage, file: DiskFile) -> None:
    try:
        status = image.identity()
        same = status.st_size == file.size
        stamped = same and status.st_mtime_ns == file.modified
        if stamped and (file.settled or file.digest is None):
            return
        if same and file.digest is not None and image.digest() == file.digest:
            return
    except OSError as error:
        raise StateError(f"disk image {path}: {error.strerror}") from None
    raise StateError(
        f"disk image {path}: has changed since the snapshot was made; give the machine a copy from"
        " then, or save snapshots of runs with --overlay, whose disks' changes are part of them"
    )
