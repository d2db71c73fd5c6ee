"""Whether everything on a disk with SFS fits together: what OS/161's sfsck looks at."""

from __future__ import annotations

from collections import Counter

from ..check import Check
from ..device import DamagedError, FileSystemError
from ..files import Inode
from ..format import DIRECTORY, ROOT_INODE
from .file_system import DOTS, SfsFileSystem
from .journal import check_journal
from .layout import freemap_of


class SfsCheck(Check):
    """Inodes lie anywhere, and are found by their names, which they count."""

    system: SfsFileSystem

    def __init__(self, system: SfsFileSystem) -> None:
        super().__init__(system)
        self.inodes: dict[int, Inode] = {}
        self.names: Counter[int] = Counter()
        """How often an inode is named, `.` and `..` included."""
        self._doomed: set[int] = set()
        """Files in the second root: open once, and without a name of their own."""
        self._dotless: set[int] = set()
        self._second_root = 2 if system._geometry.second_root else 0

    def walk_all(self) -> None:
        try:
            check_journal(self.system._geometry.journal, self.system._read)
        except FileSystemError as error:
            self.problems.append(str(error))
            self.bad_journal()
        self._root(ROOT_INODE, "/")
        if self._second_root and any(self.system._read(2)):
            self._root(self._second_root, "(files without names)")
        self._links()

    def needed_bitmap(self) -> bytearray:
        needed = freemap_of(self.system._geometry)
        for number in self.inodes:
            needed[number // 8] |= 1 << number % 8
        return needed

    def owner_of(self, number: int) -> int | None:
        return self.owner.get(number, number if number in self.inodes else None)

    # What a repair does about it.

    def no_dots(self, directory: Inode, name: str, number: int) -> None:
        """A directory has no entry `name`, which must lead to `number`."""

    def bad_journal(self) -> None:
        """The journal must be emptied."""

    def bad_links(self, inode: Inode, links: int) -> None:
        """An inode must have so many links."""

    # The walk.

    def _root(self, number: int, path: str) -> None:
        root = self.root(number, path)
        if root is not None:
            self.inodes[number] = root
            self.walk()

    def directory(self, directory: Inode, parent: int, contents: bytes, path: str) -> None:
        names: set[str] = set()
        for position, name, number in self.system._slots(contents):
            below = f"{path.rstrip('/')}/{name}"
            if name in names or not (name in DOTS or self.system._is_possible_name(name)):
                kind = "two entries" if name in names else "the bad name"
                self.problems.append(f"{path}: has {kind} {name!r}")
                named = name not in DOTS and self._child(directory, number, below)
                self.bad_slot(directory, position, f"inode-{number}", number if named else 0)
                continue
            names.add(name)
            if name in DOTS:
                wanted = directory.number if name == "." else parent
                if number != wanted:
                    self.problems.append(f"{below}: leads to inode {number} instead of {wanted}")
                    self.bad_slot(directory, position, name, wanted)
                self.names[wanted] += 1
            elif not self._child(directory, number, below):
                self.bad_slot(directory, position, "", 0)
        dots = names & set(DOTS)
        if len(dots) == 1:
            (missing,) = set(DOTS) - dots
            wanted = directory.number if missing == "." else parent
            self.problems.append(f"{path}: has no entry {missing}")
            self.no_dots(directory, missing, wanted)
            self.names[wanted] += 1
        if not dots:
            self._dotless.add(directory.number)
        if directory.number == parent:  # A root has no other name.
            self.names[parent] += not dots

    def _child(self, directory: Inode, number: int, path: str) -> bool:
        """Note what an entry leads to; False when it may not."""
        inode = self.inodes.get(number)
        try:
            if inode is None:
                inode = self.system._read_inode(number)
                if number in self.owner:
                    owner = self.owner[number]
                    raise DamagedError(f"block {number} belongs to inode {owner}, too")
                self.inodes[number] = inode
                self.pending.append((inode, directory.number, path))
            elif inode.kind == DIRECTORY:
                raise DamagedError(f"directory inode {number} has a second name")
        except FileSystemError as error:
            self.problems.append(f"{path}: {error}")
            return False
        self.names[number] += 1
        if directory.number == self._second_root:
            self._doomed.add(number)
        return True

    def _links(self) -> None:
        for number, inode in self.inodes.items():
            links = self.names[number]
            if inode.links == links or number in self._doomed or number == self._second_root:
                continue
            # mksfs makes a root without `.` and `..`; some count them all the same.
            if number in self._dotless and inode.links == links + 1:
                continue
            self.problems.append(f"inode {number} has {inode.links} links instead of {links}")
            self.bad_links(inode, links)
