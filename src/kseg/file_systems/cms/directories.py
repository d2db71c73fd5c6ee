"""Names: directories and paths."""

from __future__ import annotations

from collections.abc import Iterator

from ..device import DamagedError, FileSystemError, components
from .files import Files
from .inode import Inode
from .layout import (
    DIRECTORY,
    ENTRY,
    ENTRY_SIZE,
    NAME_LIMIT,
    ROOT_INODE,
)


class Directories(Files):
    """Finds files by path, and changes directories."""

    def _expect_directory(self, inode: Inode, path: str) -> None:
        if inode.kind != DIRECTORY:
            raise FileSystemError(f"{path} is a file, not a directory; name a directory")

    def _entries(self, directory: Inode) -> Iterator[tuple[int, str, int]]:
        """(position in bytes, name, inode number) of every entry."""
        for position, (number, stored) in enumerate(ENTRY.iter_unpack(self._contents(directory))):
            if number:
                try:
                    name = stored.rstrip(b"\0").decode("ascii")
                    stored_name(name)
                except ValueError:
                    raise DamagedError(
                        f"directory inode {directory.number} holds the bad name {stored!r}; "
                        "the file system is damaged, restore the image"
                    ) from None
                yield position * ENTRY_SIZE, name, number

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
            stored_name(part)
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
        stored_name(parts[-1])
        parent = self._find("/".join(parts[:-1]))
        self._expect_directory(parent, "/" + "/".join(parts[:-1]))
        return parent, parts[-1]

    def _add_entry(self, directory: Inode, name: str, number: int) -> None:
        entry = ENTRY.pack(number, stored_name(name))
        contents = self._contents(directory)
        for position in range(0, len(contents), ENTRY_SIZE):
            if contents[position : position + 4] == bytes(4):
                break
        else:
            position = len(contents)
        self._replace(directory, contents[:position] + entry + contents[position + ENTRY_SIZE :])

    def _remove_entry(self, directory: Inode, name: str) -> None:
        contents = self._contents(directory)
        for position, found, _ in self._entries(directory):
            if found == name:
                cleared = bytes(ENTRY_SIZE)
                self._replace(
                    directory, contents[:position] + cleared + contents[position + ENTRY_SIZE :]
                )
                return

    def _replace(self, directory: Inode, contents: bytes) -> None:
        """Store a directory's changed contents; it never gets smaller."""
        blocks = tuple(self._data_blocks(directory))
        stale = tuple(self._pointer_blocks(directory))
        self._fill(directory, contents, blocks)
        for number in stale:
            self._set_used(number, False)


def stored_name(text: str) -> bytes:
    """`text` as it is stored, if it may name a file."""
    if not 1 <= len(text) <= NAME_LIMIT:
        raise FileSystemError(f"file name {text!r} must have 1 to {NAME_LIMIT} characters; rename")
    if text in (".", "..") or any(not "!" <= c <= "~" or c in "/:" for c in text):
        raise FileSystemError(
            f"file name {text!r} may hold only visible ASCII characters other than '/' and ':', "
            "and be neither '.' nor '..'; rename the file"
        )
    return text.encode("ascii")
