"""The one way in which kseg writes a file: whole, or not at all.

What is written has no name, or a temporary one beside its destination, until it is complete. So
whatever happens meanwhile, a full disk or a kill, there is the old file or the new one; and what
could not be written is not in the way of the next attempt.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_UNNAMED = getattr(os, "O_TMPFILE", 0)
"""Linux alone has this."""


def open_file(path: str | Path, *, writable: bool = False, follow: bool = True) -> int:
    """A descriptor for what is there; does not wait for the other end of a pipe, and takes no link
    unless it is to `follow` them. OSError, or ValueError for what is no path."""
    flags = (os.O_RDWR if writable else os.O_RDONLY) | (0 if follow else os.O_NOFOLLOW)
    return os.open(path, flags | os.O_NONBLOCK)


def is_full(directory: Path) -> bool:
    """Is there no room on its file system? OSError."""
    system = os.statvfs(directory)
    return bool(system.f_blocks) and not system.f_bavail


@contextmanager
def replacing(path: str | Path) -> Iterator[int]:
    """A descriptor to write what shall be at `path`: made or replaced when the block ends, and
    not touched when it ends with an exception.

    Raises OSError when the host refuses. Written in place are what is no regular file, such as a
    terminal or a pipe, and a file in a directory where no other can be made.
    """
    path = Path(path)
    status = _status(path)
    if status is not None and not stat.S_ISREG(status.st_mode):
        with _in_place(path) as file:
            yield file
        return
    if status is not None and not os.access(path, os.W_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))
    # Through a symbolic link, as with any other file that is written.
    path = path.resolve() if path.is_symlink() else path
    try:
        unfinished = PartialFile(path)
    except OSError as error:
        if status is None or error.errno not in (errno.EACCES, errno.EROFS, errno.EPERM):
            raise
        with _in_place(path) as file:
            yield file
        return
    with unfinished:
        mode = new_mode(0o666) if status is None else stat.S_IMODE(status.st_mode)
        os.fchmod(unfinished.file, mode)
        yield unfinished.file
        os.fsync(unfinished.file)
        unfinished.take_place()


def write_file(path: str | Path, data: bytes) -> None:
    """Make or replace a file with these contents; OSError when the host refuses, and then the old
    file is as it was."""
    with replacing(path) as file:
        write_all(file, data)


def write_all(file: int, data: bytes) -> None:
    """Write everything to a descriptor; OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def check_writable(path: str | Path) -> None:
    """Raise OSError if `write_file` could not write there now; nothing is left of the attempt."""
    path = Path(path)
    status = _status(path)
    if status is not None:
        if stat.S_ISDIR(status.st_mode):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not os.access(path, os.W_OK):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        return
    with PartialFile(path):
        pass


class PartialFile:
    """A file that is being made and shall be at `path`: a descriptor, and perhaps a temporary name.

    Leaving the `with` block removes it unless it has taken its place.
    """

    def __init__(self, path: Path) -> None:
        """Begin; OSError when no file can be made beside `path`."""
        self._path = path
        self._name: str | None = None
        try:
            # Without a name nothing is left of it, however the process ends.
            if not _UNNAMED:
                raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
            self.file = os.open(path.parent, _UNNAMED | os.O_RDWR, 0o600)
        except OSError as error:
            # Not every file system can do that.
            if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT):
                raise
            import tempfile  # which takes longer to import than all the rest here

            self.file, self._name = tempfile.mkstemp(prefix=self._prefix, dir=path.parent)

    @property
    def _prefix(self) -> str:
        return f".{self._path.name[:64]}-"

    def allow(self, mode: int) -> None:
        """Have the permissions that a new file of the user's gets which asks for `mode`."""
        os.fchmod(self.file, new_mode(mode))

    def take_place(self, *, replace: bool = True) -> None:
        """Be the file at the path from now on, in place of what is there; OSError. Without
        `replace`, FileExistsError if there is something."""
        if self._name is None:
            self._name = self._named()
        if replace:
            Path(self._name).replace(self._path)
        else:
            os.link(self._name, self._path)
            Path(self._name).unlink()
        self._name = None
        _sync_directory(self._path.parent)

    def _named(self) -> str:
        """Give the file a temporary name: nothing without a name can replace another."""
        root = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
        try:
            while True:
                name = f"{self._path.parent / self._prefix}{os.urandom(6).hex()}"
                with suppress(FileExistsError):
                    # With a directory's descriptor, os.link follows the link that names the file.
                    os.link(f"/proc/self/fd/{self.file}", name, src_dir_fd=root)
                    return name
        finally:
            os.close(root)

    def __enter__(self) -> "PartialFile":
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._name is not None:
            with suppress(OSError):
                Path(self._name).unlink()
        self.close()

    def close(self) -> None:
        """Close the descriptor; a second time does nothing."""
        if self.file >= 0:
            os.close(self.file)
            self.file = -1


@contextmanager
def _in_place(path: Path) -> Iterator[int]:
    file = os.open(path, os.O_WRONLY | os.O_TRUNC)
    try:
        yield file
    finally:
        os.close(file)


def _status(path: Path) -> os.stat_result | None:
    """What is at a path, if there is anything; OSError."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None
    except ValueError as error:  # a NUL character
        raise OSError(errno.EINVAL, str(error)) from None


def new_mode(mode: int) -> int:
    """The permissions that a new file of the user's gets which asks for `mode`."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mode & ~mask


def _sync_directory(directory: Path) -> None:
    """So that the new name lasts, too; some file systems cannot, and that loses nothing old."""
    with suppress(OSError):
        file = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
