"""What the emulator file system does on the host: open files by handle, and their operations."""

import errno
import os
from collections.abc import Callable
from typing import Annotated

import msgspec

from kseg.machine.event_queue import Word
from kseg.platform.directory import HostDirectory, Opened

HANDLES = 64
ROOT = 0
"""The handle that is open from the start."""

OPEN, CREATE, CREATE_EXCLUSIVE, CLOSE, READ, READ_DIRECTORY, WRITE, SIZE, TRUNCATE = range(1, 10)
OPERATIONS = range(OPEN, TRUNCATE + 1)
NAMES = dict(
    enumerate("open create create-exclusive close read readdir write size truncate".split(), 1)
)
"""What the operations are called in a trace."""

(
    IDLE, SUCCESS, BAD_HANDLE, BAD_OPERATION, BAD_PATH, BAD_SIZE, EXISTS, IS_DIRECTORY,
    MEDIA_ERROR, NO_HANDLES, NO_SPACE, NOT_DIRECTORY, UNKNOWN, UNSUPPORTED,
) = range(14)  # fmt: skip

_RESULTS = {
    errno.EBADF: BAD_HANDLE,
    errno.EINVAL: BAD_SIZE,
    errno.ENOENT: BAD_PATH,
    errno.EIO: MEDIA_ERROR,
    errno.ENOTDIR: NOT_DIRECTORY,
    errno.EISDIR: IS_DIRECTORY,
    errno.EEXIST: EXISTS,
    errno.ENOSPC: NO_SPACE,
}


HostPath = Annotated[
    list[Annotated[bytes, msgspec.Meta(min_length=1, max_length=255)]],
    msgspec.Meta(max_length=4096),
]
"""Names of directories from the root on, and of what is in the last."""


def is_path(path: list[bytes]) -> bool:
    """Whether these are names, and lead down only."""
    return not any(b"/" in name or b"\0" in name or name in (b".", b"..") for name in path)


class FileRequest(msgspec.Struct, frozen=True):
    """An operation, and what its registers say. `data` is the path to open, or what to write."""

    operation: int
    handle: int
    offset: int
    length: int
    data: bytes = b""


class FileResult(msgspec.Struct, frozen=True, array_like=True):
    """What comes of an operation: its result and registers, `data` for the buffer, and what it
    counts as. `path` is that of what is open at `handle` now, if it was opened."""

    result: Word
    handle: Word
    offset: Word
    length: Word
    data: bytes = b""
    path: HostPath | None = None
    reads: Word = 0
    writes: Word = 0
    others: Word = 0


class HostFiles:
    """Files that a guest has opened in a directory of the host."""

    def __init__(self, directory: HostDirectory) -> None:
        self._directory = directory
        self._handles: list[Opened | None] = [None] * HANDLES
        self._operations: dict[int, Callable[[Opened, FileRequest], FileResult]] = {
            OPEN: self._open,
            CREATE: self._open,
            CREATE_EXCLUSIVE: self._open,
            CLOSE: self._close,
            READ: self._read,
            READ_DIRECTORY: self._read_directory,
            WRITE: self._write,
            SIZE: self._size,
            TRUNCATE: self._truncate,
        }

    def open_root(self) -> None:
        """Close everything, and open the directory itself as handle ROOT."""
        self.close_all()
        self._handles[ROOT] = self._directory.open_root()

    def open_again(self, handle: int, path: list[bytes]) -> None:
        """Let a handle be what lies at a path from the root; OSError when the host has it not."""
        root = self._directory.open_root()
        try:
            self._handles[handle] = self._directory.open(root, b"/".join(path) or b".")
        finally:
            root.close()

    def perform(self, request: FileRequest) -> FileResult:
        """Carry out one of OPERATIONS; what the host refuses is a result, too."""
        opened = self._handles[request.handle]
        if opened is None:
            return _failed(request, BAD_HANDLE)
        try:
            return self._operations[request.operation](opened, request)
        except OSError as error:
            return _failed(request, _RESULTS.get(error.errno or 0, UNKNOWN))

    def close(self) -> None:
        """Nothing will be asked any more."""
        self.close_all()
        self._directory.close()

    def close_all(self) -> None:
        """Close what is open."""
        for number, opened in enumerate(self._handles):
            if opened is not None:
                opened.close()
                self._handles[number] = None

    # Operations: OSError for what the host says.

    def _open(self, base: Opened, request: FileRequest) -> FileResult:
        opened = self._find_or_create(base, request.data, request.operation)
        if opened not in self._handles:
            if None not in self._handles:
                opened.close()
                return _failed(request, NO_HANDLES)
            self._handles[self._handles.index(None)] = opened
        handle, is_directory = self._handles.index(opened), int(opened.is_directory)
        path = list(opened.path)
        return FileResult(SUCCESS, handle, request.offset, is_directory, path=path, others=1)

    def _find_or_create(self, base: Opened, path: bytes, operation: int) -> Opened:
        """Open `path`; what is open already is not opened again, whatever the operation."""
        try:
            opened = self._directory.open(base, path)
        except FileNotFoundError:
            if operation == OPEN:
                raise
            exclusive = operation == CREATE_EXCLUSIVE
            return self._directory.open(base, path, create=True, exclusive=exclusive)
        for other in self._handles:
            if other is not None and other.same_file(opened):
                opened.close()
                return other
        if operation == OPEN:
            return opened
        opened.close()
        exclusive = operation == CREATE_EXCLUSIVE
        return self._directory.open(base, path, create=True, exclusive=exclusive)

    def _close(self, opened: Opened, request: FileRequest) -> FileResult:
        opened.close()
        self._handles[request.handle] = None
        return _done(request, others=1)

    def _read(self, opened: Opened, request: FileRequest) -> FileResult:
        data = os.pread(opened.file, request.length, request.offset)
        return _done(request, len(data), data, reads=1)

    def _read_directory(self, opened: Opened, request: FileRequest) -> FileResult:
        name = opened.entry(request.offset)
        if name is None:
            return FileResult(SUCCESS, request.handle, request.offset, 0)
        name, next_entry = name[: request.length], request.offset + 1 & 0xFFFFFFFF
        return FileResult(SUCCESS, request.handle, next_entry, len(name), name, reads=1)

    def _write(self, opened: Opened, request: FileRequest) -> FileResult:
        return _done(request, os.pwrite(opened.file, request.data, request.offset), writes=1)

    def _size(self, opened: Opened, request: FileRequest) -> FileResult:
        size = os.fstat(opened.file).st_size & 0xFFFFFFFF
        return FileResult(SUCCESS, request.handle, request.offset, size, others=1)

    def _truncate(self, opened: Opened, request: FileRequest) -> FileResult:
        os.ftruncate(opened.file, request.length)
        return _done(request, writes=1)


def _failed(request: FileRequest, result: int) -> FileResult:
    return FileResult(result, request.handle, request.offset, request.length)


def _done(
    request: FileRequest,
    moved: int | None = None,
    data: bytes = b"",
    *,
    reads: int = 0,
    writes: int = 0,
    others: int = 0,
) -> FileResult:
    """Success; `moved` is the number of bytes read or written, which registers show."""
    offset, length = request.offset, request.length
    if moved is not None:
        offset, length = offset + moved & 0xFFFFFFFF, moved
    return FileResult(
        SUCCESS, request.handle, offset, length, data, reads=reads, writes=writes, others=others
    )
