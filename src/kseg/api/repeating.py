"""Machines that repeat a run: they open nothing of the host's, for the history has it all."""

from collections.abc import Callable, Mapping

from kseg.api.machine import Machine
from kseg.api.setup import Setup
from kseg.boards.system161.board import System161, System161State
from kseg.boards.system161.configuration import Configuration
from kseg.devices.disk import Disk
from kseg.errors import LogError
from kseg.history.state import Header
from kseg.machine.disk_image import MemoryDisk
from kseg.machine.input_history import InputHistory, Position
from kseg.machine.input_port import InputPort
from kseg.machine.recorded_image import RecordedImage


def repeating_machine(
    setup: Setup,
    sectors: Mapping[int, int],
    history: InputHistory,
    enter: Callable[[Machine], None],
    output: Callable[[bytes], None] | None = None,
    message: Callable[[str], None] | None = None,
    like: Machine | None = None,
) -> Machine:
    """A machine that is put together as `setup` says, and is given what a history has. `sectors` is
    the size of each disk, by slot; `enter` puts the machine into the state with which it begins
    (see `become`). What is `like` another machine may share its native code."""
    machine = Machine.__new__(Machine)
    machine._assemble(
        setup,
        lambda: enter(machine),
        output,
        message,
        epoch=0,
        like=like,
        disks=_disks(setup.configuration, sectors, history),
        input_port=InputPort(isolated=True),
    )
    return machine


def _disks(
    configuration: Configuration, sectors: Mapping[int, int], history: InputHistory
) -> dict[int, MemoryDisk]:
    """What takes the place of the first machine's disks."""
    found = {}
    for slot in configuration.slots:
        if slot.device != "disk":
            continue
        size = sectors.get(slot.slot)
        if size is None:
            # An image file of this name would be opened otherwise.
            raise LogError(f"the machine's state lacks the disk in slot {slot.slot}")
        if Disk.parse_arguments(slot.read_arguments()).file is None:
            found[slot.slot] = MemoryDisk(size)
        else:
            known = history.sectors.setdefault(slot.slot, {})
            found[slot.slot] = MemoryDisk(base=RecordedImage(size, known))
    return found


def become(
    board: System161, state: System161State, history: InputHistory, position: Position
) -> None:
    """Let a board be in a state, and be given what comes after a position in a history."""
    board.load(state)
    board.input_port.replay(history, position)


def disk_sizes(header: Header) -> dict[int, int]:
    """The disks of a snapshot, by slot, in sectors."""
    return {slot: disk.sectors for slot, disk in header.board.disks.items()}
