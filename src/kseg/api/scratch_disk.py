"""An empty `cms` file system on a disk in memory, so that a fresh guest has a drive a:."""

from typing import cast

from kseg.devices.disk import Disk
from kseg.machine.cms_file_system import make_file_system
from kseg.machine.system161 import System161


class CardSectors:
    """A disk card's contents, as the file system tool wants them."""

    def __init__(self, card: Disk) -> None:
        self._contents = card.contents

    @property
    def sectors(self) -> int:
        return self._contents.sectors

    def read_sector(self, number: int) -> bytes:
        return self._contents.read(number)

    def write_sector(self, number: int, data: bytes) -> None:
        self._contents.write(number, data)


def format_scratch_disk(board: System161) -> None:
    """Format the machine's first disk."""
    card = next(card for card in board.bus.cards if card.name == "disk")
    make_file_system(CardSectors(cast(Disk, card)), label="scratch")
