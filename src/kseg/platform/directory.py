"""A directory of the host out of which no path leads: a chroot for a guest's file accesses.

Paths are walked component by component, each opened relative to its parent without following
links (as `openat` with `O_NOFOLLOW`), so that nothing that happens to the tree meanwhile leads
outside. `..` at the root stays there, as in a chroot; links are followed by the same walk.
"""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

MOST_LINKS = 40
MODE = 0o664

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
# Not blocking: the tree may hold a named pipe.
_FILE = os.O_NOFOLLOW | os.O_NONBLOCK


Escaped = Callable[[bytes, bytes], None]
"""Takes the path of a link, from the root, and what it says."""


class Opened:
    """An open file or directory; `path` is where it was, from the root."""

    def __init__(self, file: int, path: tuple[bytes, ...]) -> None:
        """Take over `file`; OSError for what is neither a file nor a directory."""
        self.file = file
        self.path = path
        status = os.fstat(file)
        self.is_directory = stat.S_ISDIR(status.st_mode)
        if not self.is_directory and not stat.S_ISREG(status.st_mode):
            os.close(file)
            raise OSError(errno.EPERM, "not a regular file")
        self._identity = (status.st_dev, status.st_ino)
        self._entries: list[bytes] | None = None

    def same_file(self, other: "Opened") -> bool:
        return self._identity == other._identity

    def entry(self, index: int) -> bytes | None:
        """A directory's entry: `.`, `..`, then the others by name. None beyond the last; OSError
        for a file. The directory is read when entry 0 is asked for."""
        if not self.is_directory:
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if self._entries is None or index == 0:
            names = sorted(os.fsencode(entry.name) for entry in os.scandir(self.file))
            self._entries = [b".", b"..", *names]
        return self._entries[index] if index < len(self._entries) else None

    def close(self) -> None:
        os.close(self.file)


class HostDirectory:
    """The root and the walk."""

    def __init__(self, path: Path, escaped: Escaped = lambda _link, _target: None) -> None:
        """Open `path`; OSError when it is not a directory. `escaped` is told of links that lead
        out of it and were not followed there."""
        self._escaped = escaped
        self._root = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        self._real = os.fsencode(os.path.realpath(path))

    def close(self) -> None:
        os.close(self._root)

    def open_root(self) -> Opened:
        return Opened(os.dup(self._root), ())

    def open(
        self, base: Opened, path: bytes, *, create: bool = False, exclusive: bool = False
    ) -> Opened:
        """Open `path`, as seen from `base`; OSError as the host would say it.

        Files are opened for reading and writing where that is allowed; `create` makes those that
        do not exist, `exclusive` takes no others.
        """
        if not base.is_directory:
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not path:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        walk = _Walk(self._root, self._real, self._escaped)
        try:
            walk.go(base.path)
            return walk.open(path, create, exclusive)
        finally:
            walk.close()


class _Walk:
    """A stack of open directories, the root at the bottom."""

    def __init__(self, root: int, real: bytes, escaped: Escaped) -> None:
        self._real = real
        self._escaped = escaped
        self._stack = [os.dup(root)]
        self._names: list[bytes] = []
        self._links = 0

    def close(self) -> None:
        for directory in self._stack:
            os.close(directory)

    def go(self, names: tuple[bytes, ...]) -> None:
        for name in names:
            self._enter(name)

    def open(self, path: bytes, create: bool, exclusive: bool) -> Opened:
        must_be_directory = path.endswith(b"/")
        pending = self._components(path)
        while pending:
            name = pending.pop(0)
            if name == b"..":
                self._leave()
                continue
            last = not pending
            status = self._status(name)
            if status is not None and stat.S_ISLNK(status.st_mode) and not (last and exclusive):
                pending = self._follow(name) + pending
            elif not last:
                self._enter(name)
            elif status is not None and stat.S_ISDIR(status.st_mode):
                if exclusive:
                    raise OSError(errno.EEXIST, os.strerror(errno.EEXIST))
                self._enter(name)
            elif must_be_directory:
                raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            else:
                return self._open_file(name, create, exclusive)
        if create:
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        return Opened(os.dup(self._stack[-1]), tuple(self._names))

    def _components(self, path: bytes) -> list[bytes]:
        if path.startswith(b"/"):
            while len(self._stack) > 1:
                self._leave()
        return [name for name in path.split(b"/") if name not in (b"", b".")]

    def _status(self, name: bytes) -> os.stat_result | None:
        try:
            return os.stat(name, dir_fd=self._stack[-1], follow_symlinks=False)
        except FileNotFoundError:
            return None

    def _enter(self, name: bytes) -> None:
        self._stack.append(os.open(name, _DIRECTORY, dir_fd=self._stack[-1]))
        self._names.append(name)

    def _leave(self) -> None:
        if len(self._stack) > 1:
            os.close(self._stack.pop())
            self._names.pop()

    def _follow(self, name: bytes) -> list[bytes]:
        """What a link says, as components from here; an absolute one must name our own tree."""
        self._links += 1
        if self._links > MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        target = os.readlink(name, dir_fd=self._stack[-1])
        link = b"/".join((*self._names, name))
        if target.startswith(b"/"):
            if target != self._real and not target.startswith(self._real.rstrip(b"/") + b"/"):
                self._escaped(link, target)
                raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
            target = b"/" + target[len(self._real) :]
        elif _climbs(target, len(self._names)):
            self._escaped(link, target)
        return self._components(target)

    def _open_file(self, name: bytes, create: bool, exclusive: bool) -> Opened:
        flags = _FILE | (os.O_CREAT if create else 0) | (os.O_EXCL if exclusive else 0)
        parent = self._stack[-1]
        try:
            file = os.open(name, flags | os.O_RDWR, MODE, dir_fd=parent)
        except OSError as error:
            if create or error.errno not in (errno.EACCES, errno.EROFS):
                raise
            file = os.open(name, flags | os.O_RDONLY, dir_fd=parent)
        return Opened(file, (*self._names, name))


def _climbs(target: bytes, depth: int) -> bool:
    """Whether a relative path leads above the root from a directory so many levels below it."""
    for name in target.split(b"/"):
        if name not in (b"", b"."):
            depth += -1 if name == b".." else 1
        if depth < 0:
            return True
    return False
