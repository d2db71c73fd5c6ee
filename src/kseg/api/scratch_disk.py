"""An empty `cms` file system on a disk in memory, so that a fresh guest has a drive a:."""

from typing import cast

from kseg.boards.system161.board import System161
from kseg.devices.disk import Disk
from kseg.file_systems.cms.formatting import format_disk
from kseg.machine.new_disk import NewSectors


def format_scratch_disk(board: System161) -> None:
    """Format the machine's first disk."""
    card = next(card for card in board.bus.cards if card.name == "disk")
    format_disk(NewSectors(cast(Disk, card).contents), label="scratch")
