"""Disk images: System/161's file format, and disks that are not files.

A file is a header sector, "System/161 Disk Image" padded with zeros, then the sectors. Files are
sparse; a process that has one open holds an exclusive `flock` on it.
"""

import errno
import os
import stat
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Protocol

import msgspec

from kseg.errors import DiskImageError, StateError
from kseg.platform.files import PartialFile, open_file
from kseg.platform.locks import lock

SECTOR_SIZE = 512
HEADER = b"System/161 Disk Image".ljust(SECTOR_SIZE, b"\0")
HEADER_TEXT = b"System/161 Disk Image\0"
FEWEST_SECTORS = 128
MOST_BYTES = 1 << 32
"""What System/161 uses of an image, at most."""


class DiskContents(msgspec.Struct, frozen=True):
    """What a disk holds that is not in a file: sectors that differ from it, by number."""

    sectors: Annotated[int, msgspec.Meta(ge=0, le=MOST_BYTES // SECTOR_SIZE)]
    written: dict[int, bytes]

    def __repr__(self) -> str:
        return f"<DiskContents: {len(self.written)} of {self.sectors} sectors>"


class Disk(Protocol):
    """Sectors by number. Reading and writing raise OSError when the host fails."""

    @property
    def sectors(self) -> int: ...

    def read(self, sector: int) -> bytes: ...

    def write(self, sector: int, data: bytes) -> None: ...

    def close(self) -> None: ...

    def save(self) -> DiskContents: ...

    def load(self, contents: DiskContents) -> None: ...

    def copy(self) -> "MemoryDisk":
        """A disk that holds the same now, and goes its own way."""
        ...


class Observer(Protocol):
    """An observer of what a machine finds on a disk image, and what it leaves there."""

    def was_read(self, sector: int, data: bytes) -> None: ...

    def will_be_written(self, sector: int, data: bytes) -> None: ...


class MemoryDisk:
    """A disk that lives in memory only, at first all zero; with `base`, a private view of that
    disk that keeps what is written to itself."""

    def __init__(self, sectors: int = 0, base: Disk | None = None) -> None:
        self.sectors = base.sectors if base is not None else sectors
        self._base = base
        self._written: dict[int, bytes] = {}

    def read(self, sector: int) -> bytes:
        data = self._written.get(_checked(sector, self.sectors))
        if data is None:
            data = self._base.read(sector) if self._base is not None else bytes(SECTOR_SIZE)
        return data

    def write(self, sector: int, data: bytes) -> None:
        if len(data) != SECTOR_SIZE:
            raise ValueError(f"a sector has {SECTOR_SIZE} bytes, not {len(data)}")
        self._written[_checked(sector, self.sectors)] = bytes(data)

    def close(self) -> None:
        if self._base is not None:
            self._base.close()

    def save(self) -> DiskContents:
        kept = self._base.kept if isinstance(self._base, FrozenImage) else {}
        return DiskContents(self.sectors, kept | self._written)

    def load(self, contents: DiskContents) -> None:
        check_contents(contents, self.sectors)
        self._written = dict(contents.written)

    def copy(self) -> "MemoryDisk":
        base = self._base
        if isinstance(base, DiskImage):
            base = FrozenImage(base)
        elif isinstance(base, FrozenImage):
            base.holders += 1
        copied = MemoryDisk(self.sectors, base)
        copied._written = dict(self._written)
        return copied

    @property
    def base(self) -> Disk | None:
        """The disk whose sectors show where nothing was written."""
        return self._base


class DiskImage:
    """An image file, open and locked. What is saved of it is its size: its sectors stay in the
    file (put a MemoryDisk in front to keep them with a snapshot)."""

    def __init__(self, path: str | Path, *, paranoid: bool = False, writable: bool = True) -> None:
        """Open and lock `path`; DiskImageError when it is missing, locked or not a disk image.

        `paranoid` flushes every write to stable storage.
        """
        self.path = Path(path)
        self._paranoid = paranoid
        self._views: weakref.WeakSet[FrozenImage] = weakref.WeakSet()
        self.observers: list[Observer] = []
        while True:
            self._file = self._opened(writable)
            try:
                self._lock(writable)
                if self._is_at_its_path():
                    self._read_header()
                    break
            except BaseException:
                os.close(self._file)
                raise
            # It was replaced between opening and locking.
            os.close(self._file)

    def _opened(self, writable: bool) -> int:
        try:
            return open_file(self.path, writable=writable)
        except (OSError, ValueError) as error:
            text = error.strerror if isinstance(error, OSError) else str(error)
            missing = isinstance(error, FileNotFoundError)
            mend = "; create it with: kseg disk create" if missing else ""
            raise DiskImageError(f"disk image {self.path}: {text}{mend}") from None

    def _lock(self, writable: bool) -> None:
        try:
            lock(self._file, shared=not writable)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                raise DiskImageError(
                    f"disk image {self.path}: in use by another machine or drive;"
                    " stop that one first, or let both have overlays"
                ) from None
            raise DiskImageError(f"disk image {self.path}: {error.strerror}") from None

    def _is_at_its_path(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._file), self.path.stat())
        except OSError:
            # Removed, which an open file survives.
            return True

    def _read_header(self) -> None:
        try:
            header = os.pread(self._file, SECTOR_SIZE, 0)
            size = os.fstat(self._file).st_size
        except OSError as error:
            raise DiskImageError(f"disk image {self.path}: {error.strerror}") from None
        if not header.startswith(HEADER_TEXT):
            raise DiskImageError(
                f"disk image {self.path}: not a System/161 disk image; create one with:"
                " kseg disk create"
            )
        if size < SECTOR_SIZE:
            raise DiskImageError(f"disk image {self.path}: shorter than its header sector")
        self.oversized = size - SECTOR_SIZE > MOST_BYTES - 1
        """Whether the file has more than can be used."""
        self.sectors = min(size - SECTOR_SIZE, MOST_BYTES) // SECTOR_SIZE

    def read(self, sector: int) -> bytes:
        """One sector; what lies beyond the end of the file reads as zeros."""
        offset = (_checked(sector, self.sectors) + 1) * SECTOR_SIZE
        data = os.pread(self._file, SECTOR_SIZE, offset).ljust(SECTOR_SIZE, b"\0")
        for observer in self.observers:
            observer.was_read(sector, data)
        return data

    def write(self, sector: int, data: bytes) -> None:
        if len(data) != SECTOR_SIZE:
            raise ValueError(f"a sector has {SECTOR_SIZE} bytes, not {len(data)}")
        offset = (_checked(sector, self.sectors) + 1) * SECTOR_SIZE
        for view in self._views:
            view.keep(sector)
        for observer in self.observers:
            observer.will_be_written(sector, data)
        done = 0
        while done < SECTOR_SIZE:
            done += os.pwrite(self._file, data[done:], offset + done)
        if self._paranoid:
            os.fsync(self._file)

    def close(self) -> None:
        """Release the lock; a second time does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> "DiskImage":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def save(self) -> DiskContents:
        return DiskContents(self.sectors, {})

    def load(self, contents: DiskContents) -> None:
        check_contents(contents, self.sectors)
        for sector, data in contents.written.items():
            self.write(sector, data)

    def copy(self) -> MemoryDisk:
        return MemoryDisk(base=FrozenImage(self))

    @property
    def file(self) -> int:
        """The descriptor of the open file."""
        return self._file

    def adopt(self, file: int, take_place: Callable[[], None]) -> None:
        """Go on with another file, which has been made from this one, as soon as it has taken the
        image's place; OSError."""
        file = os.dup(file)
        try:
            lock(file)
            take_place()
        except BaseException:
            os.close(file)
            raise
        os.close(self._file)
        self._file = file

    def freeze(self, view: "FrozenImage") -> int:
        """Let a view know of each sector before it is written; returns a descriptor for it."""
        self._views.add(view)
        return os.dup(self._file)

    def identity(self) -> os.stat_result:
        """What the host says about the file; OSError."""
        return os.fstat(self._file)

    def digest(self) -> bytes:
        """BLAKE2b-256 of the file; OSError."""
        return _digest(self._file)


class FrozenImage:
    """An image file as it was at one moment, while the machine that has it open goes on writing:
    what is about to be overwritten is kept in memory. The file stays locked as long as one of
    `holders` has not closed the view."""

    def __init__(self, image: DiskImage) -> None:
        self.sectors = image.sectors
        self.holders = 1
        self.observers: list[Observer] = []
        self._kept: dict[int, bytes] = {}
        self._file = image.freeze(self)

    def keep(self, sector: int) -> None:
        """The sector is about to be written."""
        if sector not in self._kept and self._file >= 0:
            self._kept[sector] = self.read(sector)

    def read(self, sector: int) -> bytes:
        data = self._kept.get(sector)
        if data is None:
            offset = (_checked(sector, self.sectors) + 1) * SECTOR_SIZE
            data = os.pread(self._file, SECTOR_SIZE, offset).ljust(SECTOR_SIZE, b"\0")
        for observer in self.observers:
            observer.was_read(sector, data)
        return data

    @property
    def kept(self) -> dict[int, bytes]:
        """Sectors that the file has not any more as they were."""
        return dict(self._kept)

    def identity(self) -> os.stat_result:
        """What the host says about the file; OSError."""
        return os.fstat(self._file)

    def digest(self) -> bytes:
        """BLAKE2b-256 of the file as it is now; OSError."""
        return _digest(self._file)

    def write(self, sector: int, data: bytes) -> None:  # noqa: ARG002
        raise TypeError("a frozen disk image cannot be written")

    def close(self) -> None:
        """One of the holders needs it no more."""
        self.holders -= 1
        if self.holders == 0:
            os.close(self._file)
            self._file = -1

    def save(self) -> DiskContents:
        return DiskContents(self.sectors, {})

    def load(self, contents: DiskContents) -> None:  # noqa: ARG002
        raise TypeError("a frozen disk image cannot be written")

    def copy(self) -> MemoryDisk:
        self.holders += 1
        return MemoryDisk(base=self)


def _digest(file: int) -> bytes:
    from kseg.platform.digests import blake2b

    found, place = blake2b(digest_size=32), 0
    while data := os.pread(file, 1 << 20, place):
        found.update(data)
        place += len(data)
    return found.digest()


def check_contents(contents: DiskContents, sectors: int) -> None:
    """Raise StateError unless saved contents fit a disk of `sectors`."""
    if contents.sectors != sectors:
        raise StateError(
            f"the saved disk has {contents.sectors} sectors, this one {sectors}; "
            "give the machine the disk image it had"
        )
    for sector, data in contents.written.items():
        if not 0 <= sector < sectors or len(data) != SECTOR_SIZE:
            raise StateError(f"the saved disk has an impossible sector {sector}")


def _checked(sector: int, sectors: int) -> int:
    if not 0 <= sector < sectors:
        raise ValueError(f"sector {sector} of a disk with {sectors}")
    return sector


def create(
    path: str | Path, size: int, *, force: bool = False, contents: Mapping[int, bytes] | None = None
) -> None:
    """Make a sparse image of `size` bytes, all zero but for the sectors in `contents`; `force`
    replaces an existing file that no machine uses.

    Raises DiskImageError when the size is not a number of sectors System/161 accepts, or when the
    host refuses; then everything is as it was.
    """
    check_size(size)
    path = Path(path)
    try:
        if force and path.exists():
            _check_unused(path)
            path = path.resolve()
        with PartialFile(path) as new:
            new.allow(0o664)
            os.pwrite(new.file, HEADER, 0)
            os.ftruncate(new.file, SECTOR_SIZE + size)
            for sector, data in (contents or {}).items():
                if os.pwrite(new.file, data, (sector + 1) * SECTOR_SIZE) < SECTOR_SIZE:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(new.file)
            new.take_place(replace=force)
    except FileExistsError:
        raise DiskImageError(f"disk image {path}: exists; force replaces it") from None
    except (OSError, ValueError) as error:
        text = error.strerror if isinstance(error, OSError) else str(error)
        raise DiskImageError(f"disk image {path}: {text}") from None


def _check_unused(path: Path) -> None:
    """Raise OSError unless the file at `path` can be replaced."""
    file = open_file(path, writable=True)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError(errno.EINVAL, "exists, and is not a regular file")
        lock(file)
    except BlockingIOError:
        raise OSError(errno.EBUSY, "in use by another machine; stop that one first") from None
    finally:
        os.close(file)


def resize(path: str | Path, size: int) -> None:
    """Cut an image to `size` bytes, or let it grow by zeros; DiskImageError as in `create`."""
    check_size(size)
    with DiskImage(path) as image:
        try:
            os.ftruncate(image.file, SECTOR_SIZE + size)
        except OSError as error:
            raise DiskImageError(f"disk image {path}: {error.strerror}") from None


def check_size(size: int) -> None:
    """Raise DiskImageError for a size in bytes that no image has."""
    if size % SECTOR_SIZE:
        raise DiskImageError(
            f"a disk of {size} bytes: not a multiple of {SECTOR_SIZE}, the bytes of a sector"
        )
    if not FEWEST_SECTORS * SECTOR_SIZE <= size < MOST_BYTES:
        raise DiskImageError(
            f"a disk of {size} bytes: give {FEWEST_SECTORS * SECTOR_SIZE // 1024}K to just below 4G"
        )
