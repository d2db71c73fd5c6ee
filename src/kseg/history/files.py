"""Snapshot files on the host: read with care, and replaced whole or not at all
(`kseg.platform.files`)."""

import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path

import msgspec

from kseg.errors import StateError
from kseg.history import format as layout
from kseg.history.state import Header
from kseg.platform import files


class SnapshotFile(msgspec.Struct, frozen=True):
    """A file whose header was read; its pages are read when they are asked for."""

    path: Path
    header: Header
    identity: bytes
    size: int
    """Bytes of the snapshot."""
    body_size: int
    start: int = 0
    """Where in the file it begins."""

    @classmethod
    def within(cls, path: Path, header: Header, packed: bytes, start: int) -> "SnapshotFile":
        """A snapshot that lies in a larger file from `start` on: its header and its bytes."""
        preamble = layout.read_preamble(packed[: layout.PREAMBLE_SIZE])
        return cls(path, header, preamble.identity, len(packed), preamble.body_size, start)

    def pages(self) -> dict[bytes, bytes]:
        """The pages that lie in this file, by digest; StateError when they are damaged."""
        body = _read(self.path, self.start + self.size - self.body_size, self.body_size)
        if len(body) != self.body_size:
            raise StateError(f"snapshot {self.path}: the snapshot is cut short")
        with naming(self.path):
            return layout.read_pages(self.header, body)

    def below(self) -> "SnapshotFile | None":
        """The snapshot that has the pages which this one has not; StateError when it is missing, or
        another one."""
        base = self.header.base
        if base is None:
            return None
        if "/" in base.name or "\0" in base.name or base.name in ("", ".", ".."):
            raise StateError(f"snapshot {self.path}: its base has an impossible name")
        path = self.path.parent / base.name
        if not path.exists():
            raise StateError(
                f"snapshot {self.path}: its base {base.name} is not beside it; put it there"
            )
        found = open_snapshot(path)
        if found.identity != base.identity:
            raise StateError(f"snapshot {self.path}: {base.name} is not the base it was made from")
        return found


class naming:  # noqa: N801 - reads as a statement
    """Puts a file's name before what is wrong with it."""

    def __init__(self, path: str | Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, StateError):
            raise StateError(f"snapshot {self._path}: {error}") from None


def open_snapshot(path: str | Path) -> SnapshotFile:
    """Read the header of a file; StateError says what is wrong with it."""
    path = Path(path)
    beginning = _read(path, 0, layout.PREAMBLE_SIZE)
    with naming(path):
        preamble = layout.read_preamble(beginning)
        size = layout.PREAMBLE_SIZE + preamble.header_size + preamble.body_size
        found = path.stat().st_size
        if found != size:
            problem = "is cut short" if found < size else "goes on after its end"
            raise StateError(f"the snapshot {problem}: {found} bytes instead of {size}")
        packed = _read(path, layout.PREAMBLE_SIZE, preamble.header_size)
        header = layout.read_header(preamble, packed)
    return SnapshotFile(path, header, preamble.identity, size, preamble.body_size)


def _read(path: Path, offset: int, length: int) -> bytes:
    try:
        # Not to wait for a pipe's other end.
        file = files.open_file(path)
    except (OSError, ValueError) as error:
        text = error.strerror if isinstance(error, OSError) else str(error)
        raise StateError(f"snapshot {path}: {text}") from None
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise StateError(f"snapshot {path}: not a regular file")
        length = min(length, max(os.fstat(file).st_size - offset, 0))
        # Nearly always all in one piece, which is not copied then.
        data = os.pread(file, length, offset)
        while len(data) < length:
            piece = os.pread(file, length - len(data), offset + len(data))
            if not piece:
                break
            data += piece
        return data
    except OSError as error:
        raise StateError(f"snapshot {path}: {error.strerror}") from None
    finally:
        os.close(file)


def write_file(path: str | Path, pieces: Iterable[bytes]) -> None:
    """Make or replace a file of these: whatever happens meanwhile, there is the old or the new one.
    StateError when the host refuses; the old file is as it was then."""
    try:
        if Path(path).exists() and not Path(path).is_file():
            raise OSError(errno.EINVAL, "exists, and is not a regular file")
        with files.replacing(path) as file:
            for piece in pieces:
                files.write_all(file, piece)
    except (OSError, ValueError) as error:
        text = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise StateError(f"snapshot {path}: {text}; nothing was saved") from None
