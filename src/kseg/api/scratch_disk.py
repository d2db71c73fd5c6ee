"""An empty `cms` file system on a disk in memory, so that a fresh guest has a drive a:."""

from kseg.devices.disk import Disk
from kseg.file_systems.cms.formatting import format_disk
from kseg.machine.board import Board
from kseg.machine.new_disk import NewSectors


def format_scratch_disk(board: Board) -> None:
    """Format the machine's first disk."""
    card = next(card for card in board.cards if isinstance(card, Disk))
    format_disk(NewSectors(card.contents), label="scratch")
