"""Names: directories and paths."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from .device import DamagedError, FileSystemError, components
from .files import Files, Inode
from .format import DIRECTORY, ROOT_INODE


class Directories(Files):
    """Finds files by path, and changes directories."""

    entry: struct.Struct
    """An entry of a directory: an inode's number, 0 in one that is free, and the name."""
    name_limit: int
    """The longest file name, in characters."""
    first_character: str
    """The first character of ASCII that names may hold."""
    dots: tuple[str, ...]
    """Names of entries that are no files: `.` and `..`, where they are stored."""

    @staticmethod
    def _name_of(stored: bytes) -> str:
        """The name that is stored in an entry, whatever it is."""
        raise NotImplementedError

    def _is_possible_name(self, name: str) -> bool:
        """Whether a directory on a disk may hold a name."""
        raise NotImplementedError

    def _stored_name(self, text: str) -> bytes:
        """`text` as it is stored; FileSystemError unless it may name a file."""
        if not 1 <= len(text) <= self.name_limit:
            raise FileSystemError(
                f"file name {text!r} must have 1 to {self.name_limit} characters; rename"
            )
        first = self.first_character
        if text in (".", "..") or any(not first <= c <= "~" or c in "/:" for c in text):
            which = "" if first == " " else "visible "
            raise FileSystemError(
                f"file name {text!r} may hold only {which}ASCII characters other than '/' and ':', "
                "and be neither '.' nor '..'; rename the file"
            )
        return text.encode("ascii")

    def _expect_directory(self, inode: Inode, path: str) -> None:
        if inode.kind != DIRECTORY:
            raise FileSystemError(f"{path} is a file, not a directory; name a directory")

    def _slots(self, contents: bytes) -> Iterator[tuple[int, str, int]]:
        """(position in bytes, name, inode number) of every entry that is in use."""
        whole = contents[: len(contents) // self.entry.size * self.entry.size]
        for index, (number, stored) in enumerate(self.entry.iter_unpack(whole)):
            if number:
                yield index * self.entry.size, self._name_of(stored), number

    def _entries(self, directory: Inode) -> Iterator[tuple[int, str, int]]:
        """The same, but for `.` and `..`; DamagedError for names that no file has."""
        for position, name, number in self._slots(self._contents(directory)):
            if name in self.dots:
                continue
            if not self._is_possible_name(name):
                raise DamagedError(
                    f"directory inode {directory.number} holds the bad name {name!r}; "
                    "the file system is damaged"
                )
            yield position, name, number

    def _lookup(self, directory: Inode, name: str) -> int | None:
        for _, found, number in self._entries(directory):
            if found == name:
                return number
        return None

    def _find(self, path: str) -> Inode:
        inode = self._read_inode(ROOT_INODE)
        self._expect_directory(inode, "/")
        walked = ""
        for part in components(path):
            self._expect_directory(inode, walked)
            number = self._lookup(inode, part)
            walked += "/" + part
            if number is None:
                raise FileSystemError(f"{walked} does not exist; look with `ls`")
            inode = self._read_inode(number)
        return inode

    def _parent(self, path: str) -> tuple[Inode, str]:
        """The directory that holds, or will hold, `path`, and the last part of the path."""
        parts = components(path)
        if not parts:
            raise FileSystemError(f"{path!r} names no file; give a file name")
        parent = self._find("/".join(parts[:-1]))
        self._expect_directory(parent, "/" + "/".join(parts[:-1]))
        return parent, parts[-1]

    def _add_entry(self, directory: Inode, name: str, number: int) -> Inode:
        size, contents = self.entry.size, bytearray(self._contents(directory))
        free = next(
            (p for p in range(0, len(contents), size) if not any(contents[p : p + 4])),
            len(contents),
        )
        contents[free : free + size] = self.entry.pack(number, self._stored_name(name))
        return self._replace(directory, bytes(contents))

    def _change_entry(self, directory: Inode, name: str, number: int) -> Inode:
        """Let a name mean another inode; 0 removes it. A directory never gets smaller."""
        contents = bytearray(self._contents(directory))
        for position, found, _ in self._slots(bytes(contents)):
            if found == name:
                stored = name.encode("latin-1") if number else b""
                self.entry.pack_into(contents, position, number, stored)
        return self._replace(directory, bytes(contents))
