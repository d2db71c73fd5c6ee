"""Making a damaged file system of cms's consistent: files that have lost their names get new ones
in the root directory."""

from __future__ import annotations

from ..files import Inode
from ..format import DIRECTORY, ROOT_INODE
from ..repair import Repair
from .check import CmsCheck
from .file_system import CmsFileSystem
from .layout import ENTRY, INODE_SIZE, INODES_PER_BLOCK


class CmsRepair(CmsCheck, Repair):
    """A check that gathers what has to be done, and then does it."""

    def __init__(self, system: CmsFileSystem) -> None:
        super().__init__(system)
        self._cleared: list[int] = []
        self._named: list[int] = []
        self._no_root = False

    def bad_root(self, number: int) -> None:  # noqa: ARG002
        self._no_root = True

    def nameless(self, number: int, inode: Inode | None) -> None:
        if inode is None:
            self._cleared.append(number)
            return
        self._named.append(number)
        self.seen.add(number)
        self.pending.append((inode, ROOT_INODE, f"/inode-{number}"))
        self.walk()

    def mend_roots(self) -> None:
        for number in self._cleared:
            # Inode 0, which is none, may have been damaged, too.
            block, index = divmod(number, INODES_PER_BLOCK)
            block += self.system._geometry.inode_start
            self.system._store_inode(block, index * INODE_SIZE, bytes(INODE_SIZE))
        if self._no_root:
            self.system._write_inode(Inode(ROOT_INODE, DIRECTORY))

    def mend_inodes(self) -> None:
        for number in self._named:
            self._name(number)

    def _name(self, number: int) -> None:
        """Give what has none a name, or give it up where there is no room for one."""
        system = self.system
        root = system._read_inode(ROOT_INODE)
        if self.fits(root.size + ENTRY.size):
            taken = {name for _, name, _ in system._entries(root)}
            name = f"inode-{number}"
            while name in taken:
                name += "+"
            system._add_entry(root, name, number)
            return
        system._release(system._read_inode(number))
        system._free_inode(number)
