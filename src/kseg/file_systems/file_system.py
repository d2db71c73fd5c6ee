"""A file system as its user sees it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from .device import Entry, FileSystemError, check_time, components
from .directories import Directories
from .files import Inode
from .format import DIRECTORY, FILE


class FileSystem(Directories):
    """An open file system. Paths are like `dir/file`; a leading `/` is optional.

    Every method raises FileSystemError when the path or the disk is at fault; then the disk is as
    it was.
    """

    name: str
    """What such file systems are called."""

    # What kinds of file systems do in their own ways.

    def _new_inode(self, kind: int) -> Inode:
        """Take a free inode. It is written only once its file has contents and a name."""
        raise NotImplementedError

    def _free_inode(self, number: int) -> None:
        raise NotImplementedError

    def _link(self, inode: Inode, more: int) -> None:
        """An inode has so many more names, where they are counted."""

    def check(self) -> tuple[str, ...]:
        """Everything that is inconsistent, a line each; nothing means sound."""
        raise NotImplementedError

    def repair(self) -> tuple[str, ...]:
        """Make everything consistent, losing as little as possible; what was wrong, as `check`
        tells it."""
        raise NotImplementedError

    # What all do alike.

    @contextmanager
    def together(self) -> Iterator[None]:
        """All changes that the block makes, or none of them when it raises."""
        try:
            with self._disk.together():
                yield
        except BaseException:
            self._next_block = 0
            raise

    def list(self, path: str = "/") -> list[Entry]:
        """The entries of the directory `path`, sorted by name; `.` and `..` are not shown."""
        directory = self._find(path)
        self._expect_directory(directory, path)
        return sorted(
            (self._entry(name, self._read_inode(number)) for _, name, number in
             self._entries(directory)),
            key=lambda entry: entry.name,
        )  # fmt: skip

    def status(self, path: str) -> Entry:
        """Kind, size and time of the file or directory `path`."""
        parts = components(path)
        return self._entry(parts[-1] if parts else "/", self._find(path))

    def get(self, path: str) -> bytes:
        """The contents of the file `path`."""
        inode = self._find(path)
        if inode.kind == DIRECTORY:
            raise FileSystemError(f"{path} is a directory; name a file in it")
        return self._contents(inode)

    def put(self, path: str, data: bytes, modified: int = 0) -> None:
        """Write `data` as the file `path`, replacing a file of that name; its directory must exist.
        `modified` is in seconds since 1970; not all file systems have a place for it."""
        check_time(modified)
        with self.together():
            parent, name = self._parent(path)
            found = self._lookup(parent, name)
            if found is None:
                inode = self._new_inode(FILE)
                self._add_entry(parent, name, inode.number)
            else:
                inode = self._read_inode(found)
                if inode.kind != FILE:
                    raise FileSystemError(f"{path} is a directory; choose another name")
            try:
                self._replace(replace(inode, modified=modified), data)
            except FileSystemError as error:
                raise type(error)(f"{path}: {error}") from None

    def make_directory(self, path: str, modified: int = 0) -> None:
        """Make the empty directory `path`; its parent must exist."""
        check_time(modified)
        with self.together():
            parent, name = self._parent(path)
            self._expect_nothing(parent, name, path)
            inode = self._new_inode(DIRECTORY)
            meant = zip(self.dots, (inode.number, parent.number), strict=False)
            dots = b"".join(self.entry.pack(number, dot.encode()) for dot, number in meant)
            self._fill(replace(inode, modified=modified), dots)
            self._link(self._add_entry(parent, name, inode.number), 1)

    def remove(self, path: str) -> None:
        """Remove the file or the empty directory `path`."""
        with self.together():
            parent, name = self._parent(path)
            inode = self._read_inode(self._expect(parent, name, path))
            if inode.kind == DIRECTORY and any(True for _ in self._entries(inode)):
                raise FileSystemError(f"{path} is not empty; remove what is in it first")
            parent = self._change_entry(parent, name, 0)
            if inode.kind == DIRECTORY:
                self._link(parent, -1)
            elif inode.links > 1:
                self._link(inode, -1)
                return
            self._release(inode)
            self._free_inode(inode.number)

    def rename(self, source: str, target: str) -> None:
        """Let what is at `source` be at `target`, where nothing may be yet."""
        with self.together():
            parent, name = self._parent(source)
            inode = self._read_inode(self._expect(parent, name, source))
            if components(target)[: len(components(source))] == components(source):
                raise FileSystemError(f"{target} lies in {source}; choose another place")
            new_parent, new_name = self._parent(target)
            self._expect_nothing(new_parent, new_name, target)
            parent = self._change_entry(parent, name, 0)
            if self.dots and inode.kind == DIRECTORY and parent.number != new_parent.number:
                self._link(parent, -1)
                self._change_entry(inode, "..", new_parent.number)
                self._link(self._read_inode(new_parent.number), 1)
            # Read again: it may be the same directory.
            self._add_entry(self._read_inode(new_parent.number), new_name, inode.number)

    def _expect(self, parent: Inode, name: str, path: str) -> int:
        number = self._lookup(parent, name)
        if number is None:
            raise FileSystemError(f"{path} does not exist; look with `ls`")
        return number

    def _expect_nothing(self, parent: Inode, name: str, path: str) -> None:
        if self._lookup(parent, name) is not None:
            raise FileSystemError(f"{path} exists already; choose another name")

    def _entry(self, name: str, inode: Inode) -> Entry:
        return Entry(name, inode.kind == DIRECTORY, inode.size, inode.modified, inode.number)
