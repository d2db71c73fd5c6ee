"""The file system as its user sees it."""

from __future__ import annotations

from contextlib import AbstractContextManager

from ..device import Entry, FileSystemError, SectorDevice, components
from .directories import Directories
from .formatting import format_disk
from .inode import Inode
from .layout import DIRECTORY, FILE, MAXIMUM_FILE_SIZE


def make_file_system(
    disk: SectorDevice, *, label: str = "", inodes: int | None = None, modified: int = 0
) -> CmsFileSystem:
    """Write an empty file system on `disk` and open it: see `format_disk`."""
    format_disk(disk, label=label, inodes=inodes, modified=modified)
    return CmsFileSystem(disk)


class CmsFileSystem(Directories):
    """An open file system. Paths are like `dir/file`; a leading `/` is optional.

    Every method raises FileSystemError when the path or the disk is at fault; then the disk is as
    it was.
    """

    name = "cms"

    def together(self) -> AbstractContextManager[None]:
        """All changes that the block makes, or none of them when it raises."""
        return self._disk.together()

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

        The directory must exist. `modified` is in seconds since 1970.
        """
        if len(data) > MAXIMUM_FILE_SIZE:
            raise FileSystemError(
                f"{path}: {len(data)} bytes are more than a file can hold "
                f"({MAXIMUM_FILE_SIZE}); split it"
            )
        if not 0 <= modified <= 0xFFFFFFFF:
            raise FileSystemError(f"time {modified} does not fit 32 bits; give seconds since 1970")
        with self.together():
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
            if found is None:
                self._add_entry(parent, name, inode.number)
            self._fill(inode, data)

    def make_directory(self, path: str, modified: int = 0) -> None:
        """Make the empty directory `path`; its parent must exist."""
        with self.together():
            parent, name = self._parent(path)
            self._expect_nothing(parent, name, path)
            inode = self._new_inode(DIRECTORY)
            inode.modified = modified
            self._write_inode(inode)
            self._add_entry(parent, name, inode.number)

    def remove(self, path: str) -> None:
        """Remove the file or the empty directory `path`."""
        with self.together():
            parent, name = self._parent(path)
            inode = self._read_inode(self._expect(parent, name, path))
            if inode.kind == DIRECTORY and any(True for _ in self._entries(inode)):
                raise FileSystemError(f"{path} is not empty; remove what is in it first")
            self._remove_entry(parent, name)
            self._truncate(inode)
            self._write_inode(Inode(inode.number))

    def rename(self, source: str, target: str) -> None:
        """Let what is at `source` be at `target`, where nothing may be yet."""
        with self.together():
            parent, name = self._parent(source)
            number = self._expect(parent, name, source)
            if components(target)[: len(components(source))] == components(source):
                raise FileSystemError(f"{target} lies in {source}; choose another place")
            new_parent, new_name = self._parent(target)
            self._expect_nothing(new_parent, new_name, target)
            self._remove_entry(parent, name)
            # Read again: it may be the same directory.
            new_parent, new_name = self._parent(target)
            self._add_entry(new_parent, new_name, number)

    def check(self) -> tuple[str, ...]:
        """Everything that is inconsistent, a line each; nothing means sound."""
        from .check import Check

        return Check(self).run()

    def repair(self) -> tuple[str, ...]:
        """Make everything consistent, losing as little as possible; what was wrong, as `check`
        tells it."""
        from .repair import Repair

        with self.together():
            return Repair(self).run()

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
