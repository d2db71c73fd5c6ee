"""A board's state into a snapshot's bytes, and back."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import msgspec

from kseg.errors import StateError
from kseg.history import format as layout
from kseg.history.files import SnapshotFile, naming
from kseg.history.state import Base, Header, Origin, StoredBoard, StoredDisk, StoredPages
from kseg.machine.board import Board
from kseg.machine.board_state import BoardState
from kseg.machine.disk_image import SECTOR_SIZE, DiskContents
from kseg.machine.saving import device_state
from kseg.machine.state import made_of
from kseg.memory.contents import RegionContents
from kseg.memory.pages import PAGE_SIZE

SECTORS_OF_PAGE = PAGE_SIZE // SECTOR_SIZE
LONGEST_CHAIN = 1000
"""Snapshots, each of which has the next as its base."""


class PageList:
    """Pages by content, each once, in the order in which they came."""

    def __init__(self, known: Iterable[bytes] = ()) -> None:
        """`known` are digests of pages that need not be stored."""
        self._known = set(known)
        self._new: dict[bytes, bytes] = {}
        self._old: dict[bytes, None] = {}

    def add(self, page: bytes) -> bytes:
        """The digest of a page, padded with zeros, which is in the list from now on."""
        if len(page) < PAGE_SIZE:
            page = page.ljust(PAGE_SIZE, b"\0")
        name = layout.digest(page)
        if name in self._known:
            self._old[name] = None
        else:
            self._new.setdefault(name, page)
        return name

    @property
    def stored(self) -> list[bytes]:
        """The pages that a file must have."""
        return list(self._new.values())

    @property
    def digests(self) -> list[bytes]:
        """All, those that are stored first."""
        return [*self._new, *self._old]


def pack_snapshot(
    state: BoardState, origin: Origin, base: SnapshotFile | None = None
) -> list[bytes]:
    """A snapshot file's bytes, in pieces; pages that `base` needs are left out. StateError when
    there is too much of it."""
    if base is None:
        header, stored = gather(state, origin)
    else:
        header, stored = gather(state, origin, base.header, Base(base.path.name, base.identity))
    return layout.pack_pieces(header, stored)


def gather(
    state: BoardState, origin: Origin, known: Header | None = None, base: Base | None = None
) -> tuple[Header, list[bytes]]:
    """The header of a snapshot, and the pages that it must come with: those that `known`, which is
    `base`, has not."""
    pages = PageList(() if known is None else layout.page_digests(known))
    regions = {name: _add(pages, contents.pages) for name, contents in state.regions.items()}
    devices: dict[int, Any] = dict(state.devices)
    disks: dict[int, tuple[int, dict[int, bytes], bytes]] = {}
    for slot, device in devices.items():
        contents = disk_contents(device)
        if contents is not None:
            chunks, masks = _chunks(contents.written)
            disks[slot] = (contents.sectors, _add(pages, chunks), masks)
            empty = DiskContents(contents.sectors, {})
            devices[slot] = msgspec.structs.replace(device, contents=empty)
    place = {name: number for number, name in enumerate(pages.digests)}
    header = Header(
        origin=origin,
        board=made_of(
            StoredBoard,
            state,
            regions={
                name: StoredPages(
                    state.regions[name].size, list(found), [place[each] for each in found.values()]
                )
                for name, found in regions.items()
            },
            devices=devices,
            disks={
                slot: StoredDisk(
                    sectors, list(found), [place[each] for each in found.values()], masks
                )
                for slot, (sectors, found, masks) in disks.items()
            },
        ),
        digests=b"".join(pages.digests),
        stored=len(pages.stored),
        base=base,
    )
    return header, pages.stored


def disk_contents(device: Any) -> DiskContents | None:
    """What is on the disk that a device's state has, if it has one."""
    contents = getattr(device, "contents", None)
    return contents if isinstance(contents, DiskContents) else None


def _add(pages: PageList, contents: dict[int, bytes]) -> dict[int, bytes]:
    return {number: pages.add(page) for number, page in contents.items()}


def _chunks(written: dict[int, bytes]) -> tuple[dict[int, bytes], bytes]:
    """Sectors as pages by number, and for each page which sectors it has."""
    chunks: dict[int, bytearray] = {}
    masks: dict[int, int] = {}
    for sector in sorted(written):
        number, index = divmod(sector, SECTORS_OF_PAGE)
        chunk = chunks.setdefault(number, bytearray(PAGE_SIZE))
        chunk[index * SECTOR_SIZE : (index + 1) * SECTOR_SIZE] = written[sector]
        masks[number] = masks.get(number, 0) | 1 << index
    return {number: bytes(chunk) for number, chunk in chunks.items()}, bytes(masks.values())


def unpack_snapshot(file: SnapshotFile, board: Board) -> BoardState:
    """The state in a file, for a machine that is built like the saved one: StateError otherwise,
    before memory is taken, or when the file or its bases are damaged."""
    with naming(file.path):
        _check_shape(file.header, board)
    pages = load_pages(file)
    with naming(file.path):
        return _state(file.header, pages, board)


def _check_shape(header: Header, board: Board) -> None:
    """So that what is read now takes no more memory than the machine has anyway."""
    saved = header.board
    mine = {region.name: region.size for region in board.memory.regions}
    if mine != {name: stored.size for name, stored in saved.regions.items()}:
        raise StateError("saved state is of a machine with another configuration")
    check_places(header)


def check_places(header: Header) -> None:
    """Raise StateError unless every page has a place within its region or disk, and every page of
    the list is used."""
    saved = header.board
    count = len(header.digests) // layout.DIGEST_SIZE
    used: set[int] = set()
    for stored in saved.regions.values():
        _check_pages(stored.pages, stored.places, -(-stored.size // PAGE_SIZE), count)
        used.update(stored.places)
    for disk in saved.disks.values():
        _check_pages(disk.pages, disk.places, -(-disk.sectors // SECTORS_OF_PAGE), count)
        used.update(disk.places)
        if len(disk.masks) != len(disk.pages):
            raise StateError("the snapshot's list of sectors is impossible")
    if len(used) != count:
        raise StateError("the snapshot has pages that nothing needs")


def _check_pages(pages: list[int], places: list[int], limit: int, count: int) -> None:
    ascending = all(one < other for one, other in pairwise(pages))
    fits = not pages or (pages[-1] < limit and max(places, default=0) < count)
    if not ascending or not fits or len(pages) != len(places):
        raise StateError("the snapshot's list of pages is impossible")


def load_pages(file: SnapshotFile) -> dict[bytes, bytes]:
    """All pages that a snapshot needs, from its file and those below it, by digest; StateError
    when one is damaged or not there."""
    needed = set(layout.page_digests(file.header))
    found = file.pages()
    for below in bases(file):
        missing = needed - found.keys()
        if not missing:
            break
        found |= {name: page for name, page in below.pages().items() if name in missing}
    if needed - found.keys():
        raise StateError(f"snapshot {file.path}: its base has not all of the pages it lacks")
    return found


def bases(file: SnapshotFile) -> Iterable[SnapshotFile]:
    """The snapshots below one, the nearest first; StateError when one is missing or another."""
    for _ in range(LONGEST_CHAIN):
        below = file.below()
        if below is None:
            return
        yield below
        file = below
    raise StateError(f"snapshot {file.path}: more than {LONGEST_CHAIN} bases below each other")


class _Sectors:
    """The sectors of pages. Those of a page that lies in many places are the same objects."""

    def __init__(self, pages: dict[bytes, bytes]) -> None:
        self._pages = pages
        self._known: dict[bytes, list[bytes]] = {}

    def of(self, name: bytes) -> list[bytes]:
        found = self._known.get(name)
        if found is None:
            page = self._pages[name]
            places = range(0, PAGE_SIZE, SECTOR_SIZE)
            found = self._known[name] = [page[at : at + SECTOR_SIZE] for at in places]
        return found


def _drive(board: Board, slot: int, state: Any) -> Any:
    """What a file says of a drive beside what is on its disk."""
    card = next((card for card in board.cards if card.slot == slot), None)
    drive = None if card is None or state is None else device_state(card, state)
    if disk_contents(drive) is None:
        raise StateError(f"saved state of slot {slot}: a disk without a drive")
    return drive


def _state(header: Header, pages: dict[bytes, bytes], board: Board) -> BoardState:
    saved, digests = header.board, layout.page_digests(header)
    regions = {}
    for name, stored in saved.regions.items():
        found = {}
        for number, place in zip(stored.pages, stored.places, strict=True):
            page, left = pages[digests[place]], stored.size - number * PAGE_SIZE
            found[number] = page if left >= PAGE_SIZE else page[:left]
        regions[name] = RegionContents(stored.size, found)
    devices: dict[int, Any] = dict(saved.devices)
    sectors = _Sectors(pages)
    for slot, disk in saved.disks.items():
        written = {}
        for number, place, mask in zip(disk.pages, disk.places, disk.masks, strict=True):
            for index, sector in enumerate(sectors.of(digests[place])):
                if mask >> index & 1:
                    written[number * SECTORS_OF_PAGE + index] = sector
        drive = _drive(board, slot, devices.get(slot))
        contents = DiskContents(disk.sectors, written)
        devices[slot] = msgspec.structs.replace(drive, contents=contents)
    return made_of(BoardState, saved, regions=regions, devices=devices)
