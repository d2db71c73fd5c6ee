"""Whether everything on a disk fits together: what OS/161's sfsck looks at."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

from ..device import DamagedError, FileSystemError
from .directories import DOTS, is_possible_name
from .file_system import SfsFileSystem
from .journal import check_journal
from .layout import BITS_PER_BLOCK, BLOCK_SIZE, DIRECTORY, ENTRY_SIZE, ROOT_INODE, Inode, freemap_of


class Check:
    """One walk over the whole file system that notes what does not fit together.

    What a repair has to know is handed to methods that do nothing here.
    """

    def __init__(self, system: SfsFileSystem) -> None:
        self._system = system
        self._owner: dict[int, int] = {}
        """The inode that has a block."""
        self._inodes: dict[int, Inode] = {}
        self._names: Counter[int] = Counter()
        """How often an inode is named, `.` and `..` included."""
        self._doomed: set[int] = set()
        """Files in the second root: open once, and without a name of their own."""
        self._dotless: set[int] = set()
        self._second_root = 2 if system._geometry.second_root else 0
        self._pending: list[tuple[Inode, int, str]] = []
        self._problems: list[str] = []

    def run(self) -> tuple[str, ...]:
        try:
            check_journal(self._system._geometry.journal, self._system._read)
        except FileSystemError as error:
            self._problems.append(str(error))
            self._bad_journal()
        self._root(ROOT_INODE, "/")
        if self._second_root and any(self._system._read(2)):
            self._root(self._second_root, "(files without names)")
        self._links()
        self._freemap()
        return tuple(self._problems)

    # What a repair does about it.

    def _cut(self, inode: Inode, sound: list[int]) -> None:
        """The file's blocks cannot all be its own: none of them is counted as such. Those
        before the first wrong one are `sound`, 0 where there is a hole."""

    def _bad_slot(self, directory: Inode, position: int, name: str, number: int) -> None:
        """The entry at `position`, in bytes, must have this name, and lead to this inode; 0 for
        one that must go."""

    def _no_dots(self, directory: Inode, name: str, number: int) -> None:
        """A directory has no entry `name`, which must lead to `number`."""

    def _bad_root(self, number: int) -> None:
        """There is no root directory."""

    def _bad_journal(self) -> None:
        """The journal must be emptied."""

    def _bad_links(self, inode: Inode, links: int) -> None:
        """An inode must have so many links."""

    def _bad_freemap(self, index: int, needed: bytes) -> None:
        """The freemap's block `index` must be as `needed`."""

    # The walk.

    def _root(self, number: int, path: str) -> None:
        try:
            root = self._system._read_inode(number)
            if root.kind != DIRECTORY:
                raise DamagedError("the root is not a directory")
        except FileSystemError as error:
            self._problems.append(f"{path}: {error}")
            self._bad_root(number)
            return
        self._inodes[number] = root
        self._pending.append((root, number, path))
        while self._pending:
            inode, parent, path = self._pending.pop()
            if self._claim(inode, path):
                blocks = list(self._system._data_blocks(inode)) if inode.kind == DIRECTORY else []
            else:
                blocks = self._sound_blocks(inode)
                self._cut(inode, blocks)
            if inode.kind == DIRECTORY:
                contents = self._system._joined(iter(blocks), inode.size)
                self._directory(inode, parent, contents, path)

    def _claim(self, inode: Inode, path: str) -> bool:
        """Note which blocks the file has, all of them or none."""
        taken: list[int] = []
        try:
            for number, _, index in self._system._references(inode):
                if number in self._owner or number in self._inodes:
                    owner = self._owner.get(number, number)
                    raise DamagedError(f"block {number} belongs to inodes {owner} and"
                                       f" {inode.number}")  # fmt: skip
                if index >= inode.blocks:
                    raise DamagedError(f"inode {inode.number} has block {number} after its end")
                self._owner[number] = inode.number
                taken.append(number)
        except FileSystemError as error:
            self._problems.append(f"{path}: {error}")
            for number in taken:
                del self._owner[number]
            return False
        return True

    def _sound_blocks(self, inode: Inode) -> list[int]:
        """A damaged file's data blocks, up to the first that it cannot have."""
        sound: list[int] = []
        seen = {0}
        with suppress(FileSystemError):
            for number in self._system._data_blocks(inode):
                if number and (number in seen or number in self._owner or number in self._inodes):
                    break
                seen.add(number)
                sound.append(number)
        return sound

    def _directory(self, directory: Inode, parent: int, contents: bytes, path: str) -> None:
        names: set[str] = set()
        whole = contents[: len(contents) // ENTRY_SIZE * ENTRY_SIZE]
        for position, name, number in self._system._slots(whole):
            below = f"{path.rstrip('/')}/{name}"
            if name in names or not (name in DOTS or is_possible_name(name)):
                kind = "two entries" if name in names else "the bad name"
                self._problems.append(f"{path}: has {kind} {name!r}")
                named = name not in DOTS and self._child(directory, number, below)
                self._bad_slot(directory, position, f"inode-{number}", number if named else 0)
                continue
            names.add(name)
            if name in DOTS:
                wanted = directory.number if name == "." else parent
                if number != wanted:
                    self._problems.append(f"{below}: leads to inode {number} instead of {wanted}")
                    self._bad_slot(directory, position, name, wanted)
                self._names[wanted] += 1
            elif not self._child(directory, number, below):
                self._bad_slot(directory, position, "", 0)
        dots = names & set(DOTS)
        if len(dots) == 1:
            (missing,) = set(DOTS) - dots
            wanted = directory.number if missing == "." else parent
            self._problems.append(f"{path}: has no entry {missing}")
            self._no_dots(directory, missing, wanted)
            self._names[wanted] += 1
        if not dots:
            self._dotless.add(directory.number)
        if directory.number == parent:  # A root has no other name.
            self._names[parent] += not dots

    def _child(self, directory: Inode, number: int, path: str) -> bool:
        """Note what an entry leads to; False when it may not."""
        inode = self._inodes.get(number)
        try:
            if inode is None:
                inode = self._system._read_inode(number)
                if number in self._owner:
                    owner = self._owner[number]
                    raise DamagedError(f"block {number} belongs to inode {owner}, too")
                self._inodes[number] = inode
                self._pending.append((inode, directory.number, path))
            elif inode.kind == DIRECTORY:
                raise DamagedError(f"directory inode {number} has a second name")
        except FileSystemError as error:
            self._problems.append(f"{path}: {error}")
            return False
        self._names[number] += 1
        if directory.number == self._second_root:
            self._doomed.add(number)
        return True

    def _links(self) -> None:
        for number, inode in self._inodes.items():
            links = self._names[number]
            if inode.links == links or number in self._doomed or number == self._second_root:
                continue
            # mksfs makes a root without `.` and `..`; some count them all the same.
            if number in self._dotless and inode.links == links + 1:
                continue
            self._problems.append(f"inode {number} has {inode.links} links instead of {links}")
            self._bad_links(inode, links)

    def _freemap(self) -> None:
        geometry = self._system._geometry
        needed = freemap_of(geometry)
        for number in (*self._owner, *self._inodes):
            needed[number // 8] |= 1 << number % 8
        for index, number in enumerate(geometry.freemap):
            block = bytes(needed[index * BLOCK_SIZE : (index + 1) * BLOCK_SIZE])
            there = self._system._read(number)
            if there != block:
                self._bad_freemap(index, block)
                self._compare(index, there, block)

    def _compare(self, index: int, there: bytes, needed: bytes) -> None:
        for place, (one, other) in enumerate(zip(there, needed, strict=True)):
            for bit in range(8):
                if (one ^ other) >> bit & 1:
                    number = index * BITS_PER_BLOCK + place * 8 + bit
                    if other >> bit & 1:
                        self._problems.append(f"block {number} is in use but marked free")
                    else:
                        self._problems.append(f"block {number} is marked used but nothing uses it")
