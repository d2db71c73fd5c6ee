"""Clones of machines, in the same process.

RAM is the dear part. On the bare machine it is frozen (`kseg.memory.layer`): both go on from the
same pages, each copying those that it writes. Under a monitor it is copied as a state is.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from kseg import monitor as monitors
from kseg.api.assembly import Assembly, Source
from kseg.api.snapshots import check_savable
from kseg.devices.disk import Disk
from kseg.errors import StateError
from kseg.machine.board import Board
from kseg.machine.board_state import BoardState
from kseg.machine.random_generator import RandomGenerator
from kseg.memory.pages import PAGE_SIZE

if TYPE_CHECKING:
    from kseg.api.machine import Machine
    from kseg.api.virtual_machine import VirtualMachine
    from kseg.memory.layer import Layer

DAY = 86_400
"""Seconds by which a reseeded clone's calendar is put forward at most."""


def fork_machine(
    machine: "VirtualMachine",
    reseed: int | None,
    output: Callable[[bytes], None] | None,
    message: Callable[[str], None] | None,
) -> "Machine":
    """A clone; see `VirtualMachine.fork`."""
    check_savable(machine)
    board, layer, pages = machine.board, None, dict[int, bytes]()
    if machine.setup.execution.monitor == monitors.BARE:
        layer, pages = _freeze(board)
    state = board.save(with_ram=layer is None)
    cards = [card for card in board.cards if isinstance(card, Disk)]
    disks = {card.slot: card.contents.copy() for card in cards}
    source = Source(
        lambda made: _take_over(made, machine, state, layer, pages, reseed),
        epoch=0,
        disks=disks,
        layer=layer,
        like=machine.engine,
    )
    configuration = machine.setup.configuration.with_overlays(disks)
    setup = msgspec.structs.replace(machine.setup, configuration=configuration)
    clone = machine.sibling(setup, source, output, message)
    clone.engine.stop_on_break = machine.engine.stop_on_break
    return clone


def _freeze(board: Board) -> "tuple[Layer, dict[int, bytes]]":
    try:
        return board.memory.freeze()
    except OSError as error:
        raise StateError(f"cannot clone the machine's memory: {error.strerror}") from None


def _take_over(
    clone: Assembly,
    machine: "VirtualMachine",
    state: BoardState,
    layer: "Layer | None",
    pages: dict[int, bytes],
    reseed: int | None,
) -> None:
    board = clone.board
    for page, data in pages.items():
        board.memory.write(page * PAGE_SIZE, data)
    board.load(state, with_ram=layer is None)
    board.kernel = machine.board.kernel
    board.input_port.take_over(machine.board.input_port)
    board.hang_up()
    clone.paced_input.load(machine.paced_input.save())
    clone.console.take_over(machine.console)
    if reseed is not None:
        board.random.seed(reseed)
        later = RandomGenerator(reseed).next() % DAY
        board.clock.set_seconds((board.clock.time_of_day()[0] + later) & 0xFFFFFFFF)
