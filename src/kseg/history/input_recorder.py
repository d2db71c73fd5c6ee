"""Keeps all input of a machine from a moment on, and what its disks were like then."""

from collections.abc import Callable

import msgspec

from kseg.devices.disk import Disk
from kseg.machine.board import Board
from kseg.machine.board_state import BoardState
from kseg.machine.disk_image import DiskContents, DiskImage, MemoryDisk, Observer
from kseg.machine.input_history import InputHistory, Item, Sector


class ImageWatch:
    """What a machine finds on one disk image, and what it has written there."""

    def __init__(self, slot: int, tell: Callable[[Item], None]) -> None:
        self._slot, self._tell = slot, tell
        self._known: set[int] = set()
        self.written: dict[int, bytes] = {}

    def learn(self, other: "ImageWatch") -> None:
        """Know what another one knows."""
        self._known |= other._known
        self.written |= other.written

    def was_read(self, sector: int, data: bytes) -> None:
        if sector not in self._known:
            self._known.add(sector)
            self._tell(Sector(self._slot, sector, data))

    def will_be_written(self, sector: int, data: bytes) -> None:
        self._known.add(sector)
        self.written[sector] = bytes(data)


class InputRecorder:
    """The input of a machine since a moment, and what its disks were like then."""

    def __init__(
        self,
        board: Board,
        tell: Callable[[Item], None] | None = None,
        earlier: "InputRecorder | None" = None,
    ) -> None:
        """`tell` is called with each item as well. `earlier` is one that has been there for longer:
        what it knows, this one knows too."""
        self.history: InputHistory = InputHistory() if earlier is None else earlier.history.copy()
        self._board = board
        self._tell = tell
        self._watches: dict[int, ImageWatch] = {}
        self._images: dict[int, list[Observer]] = {}
        for card in board.cards:
            if isinstance(card, Disk):
                disk = card.contents
                image = disk.base if isinstance(disk, MemoryDisk) else disk
                observers = getattr(image, "observers", None)
                if observers is not None:
                    watch = ImageWatch(card.slot, self.add)
                    if earlier is not None:
                        watch.learn(earlier._watches[card.slot])
                    observers.append(watch)
                    self._images[card.slot] = observers
                    self._watches[card.slot] = watch
        board.input_port.recorders.append(self.add)

    def add(self, item: Item) -> None:
        """Something came in."""
        self.history.add(item)
        if self._tell is not None:
            self._tell(item)

    def state(self) -> BoardState:
        """The board's state, with what it has written to image files as part of it."""
        state = self._board.save()
        devices = dict(state.devices)
        for card in self._board.cards:
            device = devices[card.slot]
            if isinstance(card, Disk) and isinstance(card.contents, DiskImage):
                written = dict(self._watches[card.slot].written)
                contents = DiskContents(card.contents.sectors, written)
                devices[card.slot] = msgspec.structs.replace(device, contents=contents)
        return msgspec.structs.replace(state, devices=devices)

    def leave(self) -> None:
        """Know nothing more."""
        self._board.input_port.recorders.remove(self.add)
        for slot, watch in self._watches.items():
            self._images[slot].remove(watch)
