"""Making a damaged SFS consistent. Inodes lie anywhere, so that only a name leads to a file: one
that has lost its name is lost."""

from __future__ import annotations

from dataclasses import replace

from ..device import DamagedError
from ..files import Inode
from ..format import DIRECTORY, ROOT_INODE
from ..repair import Repair
from .check import SfsCheck
from .file_system import SfsFileSystem
from .journal import empty_journal
from .layout import ENTRY


class SfsRepair(SfsCheck, Repair):
    """A check that gathers what has to be done, and then does it."""

    def __init__(self, system: SfsFileSystem) -> None:
        super().__init__(system)
        self._dots: list[tuple[int, str, int]] = []
        self._counts: list[tuple[int, int]] = []
        self._empty_roots: list[int] = []
        self._journal = False

    def no_dots(self, directory: Inode, name: str, number: int) -> None:
        self._dots.append((directory.number, name, number))

    def bad_root(self, number: int) -> None:
        if number == ROOT_INODE:
            raise DamagedError(
                "the root directory cannot be read, and only it says where files are;"
                " restore the image"
            )
        self._empty_roots.append(number)
        self.inodes[number] = Inode(number, DIRECTORY)
        self.names[number] = 1

    def bad_journal(self) -> None:
        self._journal = True

    def bad_links(self, inode: Inode, links: int) -> None:
        self._counts.append((inode.number, links))

    def mend_roots(self) -> None:
        if self._journal:
            for number, data in empty_journal(self.system._geometry.journal):
                self.system._write(number, data)
        for number in self._empty_roots:
            self.system._write_inode(Inode(number, DIRECTORY))

    def mend_directories(self) -> None:
        for number, name, target in self._dots:
            directory = self.system._read_inode(number)
            entry = ENTRY.pack(target, name.encode())
            self.system._replace(directory, self.system._contents(directory) + entry)

    def mend_inodes(self) -> None:
        for number, links in self._counts:
            self.system._write_inode(replace(self.system._read_inode(number), links=links))
