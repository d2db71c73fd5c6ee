"""Names: directories and paths."""

from __future__ import annotations

from collections.abc import Iterator

from ..device import DamagedError, FileSystemError, components
from .files import Files
from .layout import DIRECTORY, ENTRY, ENTRY_SIZE, NAME_LIMIT, ROOT_INODE, Inode

DOTS = (".", "..")


class Directories(Files):
    """Finds files by path, and changes directories."""

    def _expect_directory(self, inode: Inode, path: str) -> None:
        if inode.kind != DIRECTORY:
            raise FileSystemError(f"{path} is a file, not a directory; name a directory")

    def _slots(self, contents: bytes) -> Iterator[tuple[int, str, int]]:
        """(position in bytes, name, inode number) of every entry that is in use."""
        for index, (number, stored) in enumerate(ENTRY.iter_unpack(contents)):
            if number:
                yield index * ENTRY_SIZE, stored.partition(b"\0")[0].decode("latin-1"), number

    def _entries(self, directory: Inode) -> Iterator[tuple[int, str, int]]:
        """The same, but for `.` and `..`; DamagedError for names that no file has."""
        for position, name, number in self._slots(self._contents(directory)):
            if name in DOTS:
                continue
            if not is_possible_name(name):
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
        contents = bytearray(self._contents(directory))
        free = next(
            (p for p in range(0, len(contents), ENTRY_SIZE) if not any(contents[p : p + 4])),
            len(contents),
        )
        contents[free : free + ENTRY_SIZE] = ENTRY.pack(number, stored_name(name))
        return self._replace(directory, bytes(contents))

    def _change_entry(self, directory: Inode, name: str, number: int) -> Inode:
        """Let a name mean another inode; 0 removes it."""
        contents = bytearray(self._contents(directory))
        for position, found, _ in self._slots(bytes(contents)):
            if found == name:
                stored = name.encode("latin-1") if number else b""
                ENTRY.pack_into(contents, position, number, stored)
        return self._replace(directory, bytes(contents))


def is_possible_name(name: str) -> bool:
    """Whether a directory on a disk may hold a name."""
    return 1 <= len(name) <= NAME_LIMIT and "/" not in name and ":" not in name


def stored_name(text: str) -> bytes:
    """`text` as it is stored, if it may name a file."""
    if not 1 <= len(text) <= NAME_LIMIT:
        raise FileSystemError(f"file name {text!r} must have 1 to {NAME_LIMIT} characters; rename")
    if text in DOTS or any(not " " <= c <= "~" or c in "/:" for c in text):
        raise FileSystemError(
            f"file name {text!r} may hold only ASCII characters other than '/' and ':', "
            "and be neither '.' nor '..'; rename the file"
        )
    return text.encode("ascii")
