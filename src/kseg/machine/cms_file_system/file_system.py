"""The file system as its user sees it."""

from __future__ import annotations

from dataclasses import dataclass

from .directories import Directories, components
from .formatting import format_disk
from .inode import Inode
from .layout import (
    DIRECTORY,
    FILE,
    MAXIMUM_FILE_SIZE,
    FileSystemError,
    SectorDevice,
)


@dataclass(frozen=True)
class Entry:
    """One file or directory as `list` and `status` report it.

    `size` is in bytes, `modified` in seconds since 1970 (UTC).
    """

    name: str
    is_directory: bool
    size: int
    modified: int


def make_file_system(
    disk: SectorDevice, *, label: str = "", inodes: int | None = None, modified: int = 0
) -> CmsFileSystem:
    """Write an empty file system on `disk` and open it: see `format_disk`."""
    format_disk(disk, label=label, inodes=inodes, modified=modified)
    return CmsFileSystem(disk)


class CmsFileSystem(Directories):
    """An open file system. Paths are like `dir/file`; a leading `/` is optional.

    Every method raises FileSystemError when the path or the disk is at fault.
    """

    def list(self, path: str = "/") -> list[Entry]:
        """The entries of the directory `path`, sorted by name."""
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
        """Write `data` as the file `path`, replacing a file of that name.

        The directory must exist. `modified` is in seconds since 1970. If the disk
        is too full, the old file is gone and no new one is left behind.
        """
        if len(data) > MAXIMUM_FILE_SIZE:
            raise FileSystemError(
                f"{path}: {len(data)} bytes are more than a file can hold "
                f"({MAXIMUM_FILE_SIZE}); split it"
            )
        if not 0 <= modified <= 0xFFFFFFFF:
            raise FileSystemError(f"time {modified} does not fit 32 bits; give seconds since 1970")
        parent, name = self._parent(path)
        found = self._lookup(parent, name)
        if found is None:
            inode = self._new_inode(FILE)
        else:
            inode = self._read_inode(found)
            if inode.kind != FILE:
                raise FileSystemError(f"{path} is a directory; choose another name")
            self._truncate(inode)
        inode.modified = modified
        try:
            if found is None:
                self._add_entry(parent, name, inode.number)
            self._fill(inode, data)
        except FileSystemError:
            self._truncate(inode)
            self._remove_entry(parent, name)
            self._write_inode(Inode(inode.number))
            raise

    def make_directory(self, path: str, modified: int = 0) -> None:
        """Make the empty directory `path`; its parent must exist."""
        parent, name = self._parent(path)
        if self._lookup(parent, name) is not None:
            raise FileSystemError(f"{path} exists already; choose another name")
        inode = self._new_inode(DIRECTORY)
        inode.modified = modified
        self._write_inode(inode)
        try:
            self._add_entry(parent, name, inode.number)
        except FileSystemError:
            self._write_inode(Inode(inode.number))
            raise

    def remove(self, path: str) -> None:
        """Remove the file or the empty directory `path`."""
        parent, name = self._parent(path)
        number = self._lookup(parent, name)
        if number is None:
            raise FileSystemError(f"{path} does not exist; look with `ls`")
        inode = self._read_inode(number)
        if inode.kind == DIRECTORY and any(True for _ in self._entries(inode)):
            raise FileSystemError(f"{path} is not empty; remove what is in it first")
        self._remove_entry(parent, name)
        self._truncate(inode)
        self._write_inode(Inode(number))

    def check(self) -> tuple[str, ...]:
        """Everything that is inconsistent, a line each; nothing means sound."""
        from .check import Check

        return Check(self).run()

    def _entry(self, name: str, inode: Inode) -> Entry:
        return Entry(name, inode.kind == DIRECTORY, inode.size, inode.modified)
