"""An empty `cms` file system on a disk in memory, so that a fresh guest has a drive a:."""

from typing import cast

from kseg.devices.disk import Disk
from kseg.machine.cms_file_system.formatting import format_disk
from kseg.machine.disk_image import Disk as Contents
from kseg.machine.system161 import System161


class Sectors:
    """The contents of a disk, as the file system tool wants them."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents

    @property
    def sectors(self) -> int:
        return self._contents.sectors

    def read_sector(self, number: int) -> bytes:
        return self._contents.read(number)

    def write_sector(self, number: int, data: bytes) -> None:
        # The disk is new, and zero wherever nothing was written.
        if any(data):
            self._contents.write(number, data)


def format_scratch_disk(board: System161) -> None:
    """Format the machine's first disk."""
    card = next(card for card in board.bus.cards if card.name == "disk")
    format_disk(Sectors(cast(Disk, card).contents), label="scratch")
