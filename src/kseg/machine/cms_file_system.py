"""The file system of the guest operating system `cms`, read and written from outside.

A disk is anything that hands out and takes back sectors of 512 bytes
(`SectorDevice`). `make_file_system` writes an empty file system on one, and
`CmsFileSystem` opens an existing one. The format is described in
docs/cms-file-system.md; every number on the disk is big endian.

Nothing that a disk holds is believed: every block and inode number is checked
before it is used, every walk is bounded, and whatever is wrong is reported as a
`FileSystemError`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

BLOCK_SIZE = 512
"""Bytes in a block; a block is one disk sector."""

MAGIC = 0x434D5346  # "CMSF"
VERSION = 1
ROOT_INODE = 1
INODE_SIZE = 64
INODES_PER_BLOCK = BLOCK_SIZE // INODE_SIZE
DIRECT_BLOCKS = 10
POINTERS_PER_BLOCK = BLOCK_SIZE // 4
ENTRY_SIZE = 32
NAME_LIMIT = 27
"""The longest file name, in characters."""

MAXIMUM_FILE_SIZE = BLOCK_SIZE * (DIRECT_BLOCKS + POINTERS_PER_BLOCK + POINTERS_PER_BLOCK**2)
"""The longest file, in bytes (8,459,264)."""

MINIMUM_BLOCKS = 8
MAXIMUM_BLOCKS = 0x00800000
BITS_PER_BLOCK = BLOCK_SIZE * 8

FREE, FILE, DIRECTORY = 0, 1, 2

_SUPERBLOCK = struct.Struct(">10I16s")
_CHECKSUM = struct.Struct(">I")
_INODE = struct.Struct(">HHII10III4x")
_ENTRY = struct.Struct(">I28s")
_POINTERS = struct.Struct(f">{POINTERS_PER_BLOCK}I")


class FileSystemError(ValueError):
    """The disk, a path or a request is wrong; the message says what to do about it."""


class SectorDevice(Protocol):
    """A disk: `sectors` sectors of 512 bytes, numbered from 0."""

    @property
    def sectors(self) -> int: ...

    def read_sector(self, number: int) -> bytes: ...

    def write_sector(self, number: int, data: bytes) -> None: ...


class MemoryDisk:
    """A disk held in memory: `contents` is the image, without any header."""

    def __init__(self, sectors: int = 0, contents: bytes = b"") -> None:
        """Make a disk of `sectors` zeroed sectors, or one that holds `contents`."""
        if len(contents) % BLOCK_SIZE:
            raise FileSystemError(
                f"a disk image of {len(contents)} bytes is no whole number of "
                f"{BLOCK_SIZE}-byte sectors; give a complete image"
            )
        self.contents = bytearray(contents or bytes(sectors * BLOCK_SIZE))

    @property
    def sectors(self) -> int:
        return len(self.contents) // BLOCK_SIZE

    def read_sector(self, number: int) -> bytes:
        return bytes(self.contents[number * BLOCK_SIZE : (number + 1) * BLOCK_SIZE])

    def write_sector(self, number: int, data: bytes) -> None:
        self.contents[number * BLOCK_SIZE : (number + 1) * BLOCK_SIZE] = data


@dataclass(frozen=True)
class Entry:
    """One file or directory as `list` and `status` report it.

    `size` is in bytes, `modified` in seconds since 1970 (UTC).
    """

    name: str
    is_directory: bool
    size: int
    modified: int


@dataclass(frozen=True)
class _Geometry:
    """Where the parts of a file system lie; all follows from two numbers."""

    blocks: int
    inode_blocks: int

    @property
    def bitmap_blocks(self) -> int:
        return -(-self.blocks // BITS_PER_BLOCK)

    @property
    def inode_start(self) -> int:
        return 1 + self.bitmap_blocks

    @property
    def inodes(self) -> int:
        return self.inode_blocks * INODES_PER_BLOCK

    @property
    def data_start(self) -> int:
        return self.inode_start + self.inode_blocks

    def superblock(self, label: bytes) -> bytes:
        fields = _SUPERBLOCK.pack(
            MAGIC, VERSION, BLOCK_SIZE, self.blocks, 1, self.bitmap_blocks,
            self.inode_start, self.inode_blocks, self.data_start, ROOT_INODE, label,
        )  # fmt: skip
        body = fields.ljust(BLOCK_SIZE - 4, b"\0")
        return body + _CHECKSUM.pack(_checksum(body))


@dataclass
class _Inode:
    """One inode in memory; `number` says where it is stored."""

    number: int
    kind: int = FREE
    size: int = 0
    modified: int = 0
    direct: tuple[int, ...] = (0,) * DIRECT_BLOCKS
    indirect: int = 0
    double_indirect: int = 0


def _checksum(body: bytes) -> int:
    """The sum of the superblock's first 127 words, modulo 2**32, inverted."""
    words: tuple[int, ...] = struct.unpack(f">{len(body) // 4}I", body)
    return ~sum(words) & 0xFFFFFFFF


def _name(text: str) -> bytes:
    """`text` as it is stored, if it may name a file."""
    if not 1 <= len(text) <= NAME_LIMIT:
        raise FileSystemError(f"file name {text!r} must have 1 to {NAME_LIMIT} characters; rename")
    if text in (".", "..") or any(not "!" <= c <= "~" or c in "/:" for c in text):
        raise FileSystemError(
            f"file name {text!r} may hold only visible ASCII characters other than '/' and ':', "
            "and be neither '.' nor '..'; rename the file"
        )
    return text.encode("ascii")


def _pointer_blocks(blocks: int) -> int:
    """How many pointer blocks it takes to name `blocks` blocks."""
    return -(-blocks // POINTERS_PER_BLOCK)


def _components(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def make_file_system(
    disk: SectorDevice, *, label: str = "", inodes: int | None = None, modified: int = 0
) -> CmsFileSystem:
    """Write an empty file system on the whole of `disk` and open it.

    What the disk held before is lost. `label` is at most 16 ASCII characters.
    `inodes` is the number of files and directories that fit (default: one for
    every 16 blocks). `modified` is the root directory's time, in seconds since
    1970. Raises FileSystemError if the disk is too small, or a parameter is out
    of range.
    """
    blocks = min(disk.sectors, MAXIMUM_BLOCKS)
    if blocks < MINIMUM_BLOCKS:
        raise FileSystemError(
            f"a disk of {disk.sectors} sectors is too small; make it at least {MINIMUM_BLOCKS}"
        )
    try:
        stored_label = label.encode("ascii").ljust(16, b"\0")
    except UnicodeEncodeError:
        raise FileSystemError(f"label {label!r} is not ASCII; choose another") from None
    if len(stored_label) > 16:
        raise FileSystemError(f"label {label!r} is longer than 16 characters; shorten it")
    if not 0 <= modified <= 0xFFFFFFFF:
        raise FileSystemError(f"time {modified} does not fit 32 bits; give seconds since 1970")
    wanted = max(blocks // 16, INODES_PER_BLOCK) if inodes is None else inodes
    geometry = _Geometry(blocks, -(-wanted // INODES_PER_BLOCK))
    if wanted < 2 or geometry.data_start >= blocks:
        raise FileSystemError(
            f"{wanted} inodes do not fit a disk of {blocks} blocks; "
            "ask for at least 2 and leave room for data"
        )
    for index in range(geometry.bitmap_blocks):
        disk.write_sector(1 + index, _initial_bitmap(geometry, index))
    for number in range(geometry.inode_start, geometry.data_start):
        disk.write_sector(number, bytes(BLOCK_SIZE))
    disk.write_sector(0, geometry.superblock(stored_label))
    system = CmsFileSystem(disk)
    system._write_inode(_Inode(ROOT_INODE, DIRECTORY, modified=modified))
    return system


def pack(files: Mapping[str, bytes], *, label: str = "", modified: int = 0) -> bytes:
    """A disk image with `files` in its root directory, and no room for more.

    The image depends on the arguments only. `modified` is the time of every file,
    in seconds since 1970. Raises FileSystemError if a name or a file is not
    acceptable.
    """
    inodes = len(files) + 2
    roomy = sum(len(data) // BLOCK_SIZE * 33 // 32 + 4 for data in files.values()) + inodes
    disk = MemoryDisk(MINIMUM_BLOCKS + roomy * 33 // 32)
    used = disk.sectors - _fill_disk(disk, files, label, inodes, modified).free_blocks()
    exact = MemoryDisk(max(used, MINIMUM_BLOCKS))
    _fill_disk(exact, files, label, inodes, modified)
    return bytes(exact.contents)


def _fill_disk(
    disk: MemoryDisk, files: Mapping[str, bytes], label: str, inodes: int, modified: int
) -> CmsFileSystem:
    system = make_file_system(disk, label=label, inodes=inodes, modified=modified)
    for name in sorted(files):
        system.put(name, files[name], modified)
    return system


def _initial_bitmap(geometry: _Geometry, index: int) -> bytes:
    """Bitmap block `index`: the tables are taken, and so is what lies past the end."""
    first = index * BITS_PER_BLOCK
    taken = min(max(geometry.data_start - first, 0), BITS_PER_BLOCK)
    exist = min(geometry.blocks - first, BITS_PER_BLOCK)
    bits = (1 << taken) - 1 | ((1 << BITS_PER_BLOCK) - (1 << exist))
    return bits.to_bytes(BLOCK_SIZE, "little")


class CmsFileSystem:
    """An open file system. Paths are like `dir/file`; a leading `/` is optional.

    Every method raises FileSystemError when the path or the disk is at fault.
    """

    def __init__(self, disk: SectorDevice) -> None:
        """Open the file system on `disk`, after checking its superblock."""
        self._disk = disk
        if disk.sectors < MINIMUM_BLOCKS:
            raise FileSystemError(
                f"a disk of {disk.sectors} sectors holds no cms file system; "
                f"it needs at least {MINIMUM_BLOCKS}"
            )
        block = disk.read_sector(0)
        (
            magic, version, block_size, blocks, _bitmap_start, _bitmap_blocks,
            _inode_start, inode_blocks, _data_start, _root, label,
        ) = _SUPERBLOCK.unpack_from(block)  # fmt: skip
        if magic != MAGIC:
            raise FileSystemError(
                "this disk holds no cms file system; make one with `format` in cms, "
                "or with `kseg disk create --format`"
            )
        if version != VERSION or block_size != BLOCK_SIZE:
            raise FileSystemError(
                f"file system version {version} with {block_size}-byte blocks is unknown; "
                f"this kseg reads version {VERSION} with {BLOCK_SIZE}-byte blocks"
            )
        if not MINIMUM_BLOCKS <= blocks <= min(disk.sectors, MAXIMUM_BLOCKS):
            raise FileSystemError(
                f"the superblock speaks of {blocks} blocks, the disk has {disk.sectors}; "
                "the image is cut short or damaged, restore it"
            )
        self._geometry = _Geometry(blocks, inode_blocks)
        if (
            not 1 <= inode_blocks < blocks
            or self._geometry.data_start >= blocks
            or block != self._geometry.superblock(label)
        ):
            raise FileSystemError("the superblock is damaged; restore the image or format it anew")
        self._next_block = self._geometry.data_start

    # ---- what a user asks for ----

    @property
    def block_count(self) -> int:
        """Blocks of 512 bytes in the file system, tables included."""
        return self._geometry.blocks

    def free_blocks(self) -> int:
        """Blocks of 512 bytes that nothing uses."""
        used = sum(
            int.from_bytes(self._read(1 + index), "little").bit_count()
            for index in range(self._geometry.bitmap_blocks)
        )
        return self._geometry.bitmap_blocks * BITS_PER_BLOCK - used

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
        parts = _components(path)
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
            self._write_inode(_Inode(inode.number))
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
            self._write_inode(_Inode(inode.number))
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
        self._write_inode(_Inode(number))

    def check(self) -> tuple[str, ...]:
        """Everything that is inconsistent, a line each; nothing means sound."""
        return _Check(self).run()

    # ---- blocks ----

    def _read(self, number: int) -> bytes:
        data = self._disk.read_sector(number)
        if len(data) != BLOCK_SIZE:
            raise FileSystemError(f"sector {number} cannot be read; the image is cut short")
        return data

    def _check_data_block(self, number: int, inode: _Inode) -> None:
        if not self._geometry.data_start <= number < self._geometry.blocks:
            raise FileSystemError(
                f"inode {inode.number} refers to block {number}, which is outside the data area "
                f"({self._geometry.data_start} to {self._geometry.blocks - 1}); "
                "the file system is damaged, restore the image"
            )

    def _set_used(self, number: int, used: bool) -> None:
        index, bit = divmod(number, BITS_PER_BLOCK)
        bitmap = bytearray(self._read(1 + index))
        mask = 1 << bit % 8
        if used:
            bitmap[bit // 8] |= mask
        else:
            bitmap[bit // 8] &= ~mask
        self._disk.write_sector(1 + index, bytes(bitmap))

    def _allocate(self) -> int:
        """Take a free block; the search goes on where the last one ended."""
        geometry = self._geometry
        for turn in range(geometry.bitmap_blocks + 1):
            index = (self._next_block // BITS_PER_BLOCK + turn) % geometry.bitmap_blocks
            free = ~int.from_bytes(self._read(1 + index), "little") & ((1 << BITS_PER_BLOCK) - 1)
            if turn == 0:
                start = self._next_block % BITS_PER_BLOCK
                free = free >> start << start
            if free:
                number = index * BITS_PER_BLOCK + (free & -free).bit_length() - 1
                if not geometry.data_start <= number < geometry.blocks:
                    raise FileSystemError(
                        f"the bitmap calls block {number} free, which is no data block; "
                        "the file system is damaged, restore the image"
                    )
                self._set_used(number, True)
                self._next_block = number
                return number
        raise FileSystemError("the disk is full; remove files or use a larger disk")

    # ---- inodes ----

    def _inode_place(self, number: int) -> tuple[int, int]:
        if not ROOT_INODE <= number < self._geometry.inodes:
            raise FileSystemError(
                f"inode number {number} does not exist (there are {self._geometry.inodes}); "
                "the file system is damaged, restore the image"
            )
        block, index = divmod(number, INODES_PER_BLOCK)
        return self._geometry.inode_start + block, index * INODE_SIZE

    def _read_inode(self, number: int) -> _Inode:
        block, offset = self._inode_place(number)
        kind, _, size, modified, *pointers = _INODE.unpack_from(self._read(block), offset)
        if kind not in (FILE, DIRECTORY) or size > MAXIMUM_FILE_SIZE:
            raise FileSystemError(
                f"inode {number} has type {kind} and {size} bytes, which no file has; "
                "the file system is damaged, restore the image"
            )
        if kind == DIRECTORY and (size % ENTRY_SIZE or size > ENTRY_SIZE * self._geometry.inodes):
            raise FileSystemError(
                f"directory inode {number} has {size} bytes, which no directory has; "
                "the file system is damaged, restore the image"
            )
        direct = tuple(pointers[:DIRECT_BLOCKS])
        return _Inode(number, kind, size, modified, direct, *pointers[DIRECT_BLOCKS:])

    def _write_inode(self, inode: _Inode) -> None:
        number, offset = self._inode_place(inode.number)
        block = bytearray(self._read(number))
        _INODE.pack_into(
            block, offset, inode.kind, 0, inode.size, inode.modified,
            *inode.direct, inode.indirect, inode.double_indirect,
        )  # fmt: skip
        self._disk.write_sector(number, bytes(block))

    def _new_inode(self, kind: int) -> _Inode:
        """Take a free inode. It is written only once its file has contents and a name."""
        for block in range(self._geometry.inode_blocks):
            data = self._read(self._geometry.inode_start + block)
            for index in range(INODES_PER_BLOCK):
                number = block * INODES_PER_BLOCK + index
                free = data[index * INODE_SIZE : index * INODE_SIZE + 2] == b"\0\0"
                if free and number > ROOT_INODE:
                    return _Inode(number, kind)
        raise FileSystemError("no inode is left; remove files, or format with more inodes")

    # ---- what a file consists of ----

    def _pointers(self, number: int, inode: _Inode, count: int) -> tuple[int, ...]:
        """The first `count` of the block numbers in the pointer block `number`."""
        self._check_data_block(number, inode)
        return _POINTERS.unpack(self._read(number))[:count]

    def _data_blocks(self, inode: _Inode) -> Iterator[int]:
        """The numbers of the blocks with the file's contents, in order."""
        left = -(-inode.size // BLOCK_SIZE)
        yield from self._checked(inode.direct[:left], inode)
        left -= DIRECT_BLOCKS
        if left > 0:
            yield from self._checked(self._pointers(inode.indirect, inode, left), inode)
            left -= POINTERS_PER_BLOCK
        if left > 0:
            for number in self._pointers(inode.double_indirect, inode, _pointer_blocks(left)):
                yield from self._checked(self._pointers(number, inode, left), inode)
                left -= POINTERS_PER_BLOCK

    def _pointer_blocks(self, inode: _Inode) -> Iterator[int]:
        """The numbers of the blocks that hold block numbers."""
        left = -(-inode.size // BLOCK_SIZE) - DIRECT_BLOCKS
        if left > 0:
            yield from self._checked((inode.indirect,), inode)
            left -= POINTERS_PER_BLOCK
        if left > 0:
            yield from self._checked((inode.double_indirect,), inode)
            numbers = self._pointers(inode.double_indirect, inode, _pointer_blocks(left))
            yield from self._checked(numbers, inode)

    def _checked(self, numbers: tuple[int, ...], inode: _Inode) -> Iterator[int]:
        for number in numbers:
            self._check_data_block(number, inode)
            yield number

    def _contents(self, inode: _Inode) -> bytes:
        return b"".join(map(self._read, self._data_blocks(inode)))[: inode.size]

    def _fill(self, inode: _Inode, data: bytes, blocks: tuple[int, ...] = ()) -> None:
        """Give `inode` the contents `data`, in `blocks` as far as they go, and store it."""
        numbers: list[int] = []
        taken: list[int] = []

        def allocate() -> int:
            taken.append(self._allocate())
            return taken[-1]

        def write_pointers(pointers: list[int]) -> int:
            number = allocate()
            padded = pointers + [0] * (POINTERS_PER_BLOCK - len(pointers))
            self._disk.write_sector(number, _POINTERS.pack(*padded))
            return number

        try:
            for index, start in enumerate(range(0, len(data), BLOCK_SIZE)):
                numbers.append(blocks[index] if index < len(blocks) else allocate())
                block = data[start : start + BLOCK_SIZE].ljust(BLOCK_SIZE, b"\0")
                self._disk.write_sector(numbers[-1], block)
            rest = numbers[DIRECT_BLOCKS:]
            indirect = write_pointers(rest[:POINTERS_PER_BLOCK]) if rest else 0
            rest = rest[POINTERS_PER_BLOCK:]
            tables = [
                write_pointers(rest[start : start + POINTERS_PER_BLOCK])
                for start in range(0, len(rest), POINTERS_PER_BLOCK)
            ]
            double_indirect = write_pointers(tables) if tables else 0
        except FileSystemError:
            for number in taken:
                self._set_used(number, False)
            raise
        direct = numbers[:DIRECT_BLOCKS]
        inode.direct = tuple(direct + [0] * (DIRECT_BLOCKS - len(direct)))
        inode.indirect, inode.double_indirect = indirect, double_indirect
        inode.size = len(data)
        self._write_inode(inode)

    def _truncate(self, inode: _Inode) -> None:
        """Make the file empty and free its blocks."""
        freed = {*self._data_blocks(inode), *self._pointer_blocks(inode)}
        inode.size = inode.indirect = inode.double_indirect = 0
        inode.direct = (0,) * DIRECT_BLOCKS
        self._write_inode(inode)
        for number in sorted(freed):
            self._set_used(number, False)
        self._next_block = min([self._next_block, *freed])

    # ---- directories ----

    def _entry(self, name: str, inode: _Inode) -> Entry:
        return Entry(name, inode.kind == DIRECTORY, inode.size, inode.modified)

    def _expect_directory(self, inode: _Inode, path: str) -> None:
        if inode.kind != DIRECTORY:
            raise FileSystemError(f"{path} is a file, not a directory; name a directory")

    def _entries(self, directory: _Inode) -> Iterator[tuple[int, str, int]]:
        """(position in bytes, name, inode number) of every entry."""
        for position, (number, stored) in enumerate(_ENTRY.iter_unpack(self._contents(directory))):
            if number:
                try:
                    name = stored.rstrip(b"\0").decode("ascii")
                    _name(name)
                except ValueError:
                    raise FileSystemError(
                        f"directory inode {directory.number} holds the bad name {stored!r}; "
                        "the file system is damaged, restore the image"
                    ) from None
                yield position * ENTRY_SIZE, name, number

    def _lookup(self, directory: _Inode, name: str) -> int | None:
        for _, found, number in self._entries(directory):
            if found == name:
                return number
        return None

    def _find(self, path: str) -> _Inode:
        inode = self._read_inode(ROOT_INODE)
        self._expect_directory(inode, "/")
        walked = ""
        for part in _components(path):
            self._expect_directory(inode, walked)
            _name(part)
            number = self._lookup(inode, part)
            walked += "/" + part
            if number is None:
                raise FileSystemError(f"{walked} does not exist; look with `ls`")
            inode = self._read_inode(number)
        return inode

    def _parent(self, path: str) -> tuple[_Inode, str]:
        """The directory that holds, or will hold, `path`, and the last part of the path."""
        parts = _components(path)
        if not parts:
            raise FileSystemError(f"{path!r} names no file; give a file name")
        _name(parts[-1])
        parent = self._find("/".join(parts[:-1]))
        self._expect_directory(parent, "/" + "/".join(parts[:-1]))
        return parent, parts[-1]

    def _add_entry(self, directory: _Inode, name: str, number: int) -> None:
        entry = _ENTRY.pack(number, _name(name))
        contents = self._contents(directory)
        for position in range(0, len(contents), ENTRY_SIZE):
            if contents[position : position + 4] == bytes(4):
                break
        else:
            position = len(contents)
        self._replace(directory, contents[:position] + entry + contents[position + ENTRY_SIZE :])

    def _remove_entry(self, directory: _Inode, name: str) -> None:
        contents = self._contents(directory)
        for position, found, _ in self._entries(directory):
            if found == name:
                cleared = bytes(ENTRY_SIZE)
                self._replace(
                    directory, contents[:position] + cleared + contents[position + ENTRY_SIZE :]
                )
                return

    def _replace(self, directory: _Inode, contents: bytes) -> None:
        """Store a directory's changed contents; it never gets smaller."""
        blocks = tuple(self._data_blocks(directory))
        stale = tuple(self._pointer_blocks(directory))
        self._fill(directory, contents, blocks)
        for number in stale:
            self._set_used(number, False)


class _Check:
    """One walk over the whole file system that notes what does not fit together."""

    def __init__(self, system: CmsFileSystem) -> None:
        self._system = system
        self._owner: dict[int, int] = {}
        self._seen: set[int] = set()
        self._problems: list[str] = []

    def run(self) -> tuple[str, ...]:
        self._tree()
        self._unreachable()
        self._bitmap()
        return tuple(self._problems)

    def _tree(self) -> None:
        pending = [(ROOT_INODE, "/")]
        while pending:
            number, path = pending.pop()
            if number in self._seen:
                self._problems.append(f"{path}: inode {number} has a second name")
                continue
            self._seen.add(number)
            try:
                inode = self._system._read_inode(number)
                self._claim(inode)
                if inode.kind == DIRECTORY:
                    for _, name, child in self._system._entries(inode):
                        pending.append((child, f"{path.rstrip('/')}/{name}"))
                elif number == ROOT_INODE:
                    self._problems.append("/: the root is not a directory")
            except FileSystemError as error:
                self._problems.append(f"{path}: {error}")

    def _claim(self, inode: _Inode) -> None:
        """Note which blocks the file has; the first one it shares ends the walk."""
        system = self._system
        for blocks in (system._pointer_blocks(inode), system._data_blocks(inode)):
            for number in blocks:
                if number in self._owner:
                    raise FileSystemError(
                        f"block {number} belongs to inodes {self._owner[number]} and {inode.number}"
                    )
                self._owner[number] = inode.number

    def _unreachable(self) -> None:
        geometry = self._system._geometry
        for block in range(geometry.inode_blocks):
            data = self._system._read(geometry.inode_start + block)
            for index in range(INODES_PER_BLOCK):
                number = block * INODES_PER_BLOCK + index
                used = data[index * INODE_SIZE : index * INODE_SIZE + 2] != b"\0\0"
                if used and number not in self._seen:
                    self._problems.append(f"inode {number} is in use but has no name")

    def _bitmap(self) -> None:
        geometry = self._system._geometry
        for index in range(geometry.bitmap_blocks):
            bits = int.from_bytes(self._system._read(1 + index), "little")
            first = index * BITS_PER_BLOCK
            for number in range(first, min(first + BITS_PER_BLOCK, geometry.blocks)):
                used = bool(bits >> (number - first) & 1)
                needed = number < geometry.data_start or number in self._owner
                if needed and not used:
                    self._problems.append(f"block {number} is in use but marked free")
                elif used and not needed:
                    self._problems.append(f"block {number} is marked used but nothing uses it")
