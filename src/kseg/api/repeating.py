"""Machines that repeat a run: they open nothing of the host's, for the history has it all."""

from collections.abc import Callable, Mapping

from kseg.api.assembly import Source
from kseg.engine.contract import Engine
from kseg.errors import LogError
from kseg.history.state import Header
from kseg.machine.board import Board
from kseg.machine.board_state import BoardState
from kseg.machine.configuration import Configuration
from kseg.machine.disk_image import MemoryDisk
from kseg.machine.input_history import InputHistory, Position
from kseg.machine.input_port import InputPort
from kseg.machine.recorded_image import RecordedImage


def repeating(
    configuration: Configuration,
    sectors: Mapping[int, int],
    history: InputHistory,
    enter: Callable[[Board], None],
    like: Engine | None = None,
) -> Source:
    """Where a machine begins that is given what a history has. `sectors` is the size of each disk,
    by slot; `enter` puts the board into the state with which it begins (see `become`). What is
    `like` another engine may share its native code."""
    return Source(
        lambda made: enter(made.board),
        epoch=0,
        disks=_disks(configuration, sectors, history),
        input_port=InputPort(isolated=True),
        like=like,
    )


def _disks(
    configuration: Configuration, sectors: Mapping[int, int], history: InputHistory
) -> dict[int, MemoryDisk]:
    """What takes the place of the first machine's disks."""
    found = {}
    for drive in configuration.drives:
        size = sectors.get(drive.slot)
        if size is None:
            # An image file of this name would be opened otherwise.
            raise LogError(f"the machine's state lacks the disk in slot {drive.slot}")
        if drive.file is None:
            found[drive.slot] = MemoryDisk(size)
        else:
            known = history.sectors.setdefault(drive.slot, {})
            found[drive.slot] = MemoryDisk(base=RecordedImage(size, known))
    return found


def become(board: Board, state: BoardState, history: InputHistory, position: Position) -> None:
    """Let a board be in a state, and be given what comes after a position in a history."""
    board.load(state)
    board.input_port.replay(history, position)


def disk_sizes(header: Header) -> dict[int, int]:
    """The disks of a snapshot, by slot, in sectors."""
    return {slot: disk.sectors for slot, disk in header.board.disks.items()}
