"""The file system as its user sees it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace

from ..device import Entry, FileSystemError, components
from .directories import Directories
from .journal import check_journal
from .layout import DIRECTORY, ENTRY, FILE, MOST_LINKS, Inode


class SfsFileSystem(Directories):
    """An open file system. Paths are like `dir/file`; a leading `/` is optional.

    Every method raises FileSystemError when the path or the disk is at fault; then the disk is as
    it was. SFS keeps no times.
    """

    name = "SFS"

    def together(self) -> AbstractContextManager[None]:
        """All changes that the block makes, or none of them when it raises."""
        check_journal(self._geometry.journal, self._read)
        return self._disk.together()

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
        """Kind and size of the file or directory `path`."""
        parts = components(path)
        return self._entry(parts[-1] if parts else "/", self._find(path))

    def get(self, path: str) -> bytes:
        """The contents of the file `path`."""
        inode = self._find(path)
        if inode.kind == DIRECTORY:
            raise FileSystemError(f"{path} is a directory; name a file in it")
        return self._contents(inode)

    def put(self, path: str, data: bytes, modified: int = 0) -> None:  # noqa: ARG002
        """Write `data` as the file `path`, replacing a file of that name; its directory must exist.
        SFS has no place for `modified`."""
        with self.together():
            parent, name = self._parent(path)
            found = self._lookup(parent, name)
            if found is None:
                inode = Inode(self._allocate(), FILE)
                self._add_entry(parent, name, inode.number)
            else:
                inode = self._read_inode(found)
                if inode.kind != FILE:
                    raise FileSystemError(f"{path} is a directory; choose another name")
            try:
                self._replace(inode, data)
            except FileSystemError as error:
                raise FileSystemError(f"{path}: {error}") from None

    def make_directory(self, path: str, modified: int = 0) -> None:  # noqa: ARG002
        """Make the empty directory `path`; its parent must exist."""
        with self.together():
            parent, name = self._parent(path)
            self._expect_nothing(parent, name, path)
            number = self._allocate()
            dots = ENTRY.pack(number, b".") + ENTRY.pack(parent.number, b"..")
            self._fill(Inode(number, DIRECTORY, links=2), dots)
            self._write_inode(self._another_link(self._add_entry(parent, name, number)))

    def remove(self, path: str) -> None:
        """Remove the file or the empty directory `path`."""
        with self.together():
            parent, name = self._parent(path)
            inode = self._read_inode(self._expect(parent, name, path))
            if inode.kind == DIRECTORY and any(True for _ in self._entries(inode)):
                raise FileSystemError(f"{path} is not empty; remove what is in it first")
            parent = self._change_entry(parent, name, 0)
            if inode.kind == DIRECTORY:
                self._write_inode(parent.linked(-1))
            elif inode.links > 1:
                self._write_inode(inode.linked(-1))
                return
            self._release(inode)
            self._set_used(inode.number, False)

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
            if inode.kind == DIRECTORY and parent.number != new_parent.number:
                self._write_inode(parent.linked(-1))
                self._change_entry(inode, "..", new_parent.number)
                self._write_inode(self._another_link(self._read_inode(new_parent.number)))
            self._add_entry(self._read_inode(new_parent.number), new_name, inode.number)

    def check(self) -> tuple[str, ...]:
        """Everything that is inconsistent, a line each; nothing means sound."""
        from .check import Check

        return Check(self).run()

    def repair(self) -> tuple[str, ...]:
        """Make everything consistent, losing as little as possible; what was wrong, as `check`
        tells it."""
        from .repair import Repair

        with self._disk.together():
            return Repair(self).run()

    def _another_link(self, inode: Inode) -> Inode:
        if inode.links >= MOST_LINKS:
            raise FileSystemError("a directory has as many directories in it as there can be")
        return replace(inode, links=inode.links + 1)

    def _expect(self, parent: Inode, name: str, path: str) -> int:
        number = self._lookup(parent, name)
        if number is None:
            raise FileSystemError(f"{path} does not exist; look with `ls`")
        return number

    def _expect_nothing(self, parent: Inode, name: str, path: str) -> None:
        if self._lookup(parent, name) is not None:
            raise FileSystemError(f"{path} exists already; choose another name")

    def _entry(self, name: str, inode: Inode) -> Entry:
        return Entry(name, inode.kind == DIRECTORY, inode.size, None, inode.number)
