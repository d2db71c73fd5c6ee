"""A board's state is taken from it and given back to it, as `kseg.machine.board_state` declares."""

import ctypes
from typing import TYPE_CHECKING, Any

import msgspec

from kseg.engine.state import FIELDS, ProcessorState
from kseg.errors import StateError
from kseg.isa.profile import profile_named
from kseg.machine.board_state import PARTS, BoardState, OwnState
from kseg.machine.processor_state import load_processor, save_processor
from kseg.machine.state import FIRST, made_of, newest
from kseg.memory.contents import read_contents, write_contents

if TYPE_CHECKING:
    from kseg.devices.device import Device
    from kseg.machine.board import Board


NEWEST_FIELD = max(field.since for field in FIELDS)
"""Of a processor."""


def state_version(board: "Board") -> int:
    """That of the newest thing which a saved state of a board has."""
    kinds = [BoardState, *(card.State for card in board.cards)]
    return max(NEWEST_FIELD, *map(newest, kinds))


def save_board(board: "Board", *, with_ram: bool) -> BoardState:
    """See `Board.save`."""
    return made_of(
        BoardState,
        board.state,
        **{name: getattr(board, name).save() for name in PARTS},
        preemptions=list(board.state.preemptions),
        version=state_version(board),
        board=board.name,
        configuration=board.configuration.text(),
        regions={
            region.name: read_contents(board.memory, region)
            for region in board.memory.regions
            if with_ram or region is not board.memory.ram
        },
        processors=[save_processor(processor) for processor in board.processors],
        devices={card.slot: card.save() for card in board.cards},
    )


def load_board(board: "Board", state: BoardState, *, with_ram: bool) -> None:
    """See `Board.load`."""
    version = state_version(board)
    if not FIRST <= state.version <= version:
        raise StateError(f"saved state has version {state.version}, this kseg reads {version}")
    if state.board != board.name:
        raise StateError(f"saved state is of a machine {state.board}, not {board.name}")
    regions = [r for r in board.memory.regions if with_ram or r is not board.memory.ram]
    mine = {region.name: region.size for region in regions}
    theirs = {name: contents.size for name, contents in state.regions.items()}
    cards = {card.slot: card for card in board.cards}
    if (
        mine != theirs
        or len(state.processors) != len(board.processors)
        or cards.keys() != state.devices.keys()
    ):
        raise StateError("saved state is of a machine with another configuration")
    if not all(contents.fits() for contents in state.regions.values()):
        raise StateError("saved state has pages outside the machine's memory")
    processors = _processors(board, state)
    if any(each.processor >= len(processors) for each in state.preemptions):
        raise StateError("saved state has a preemption of a processor that is not there")
    if state.clock.idle_cycles > processors[0].clock:
        raise StateError("saved state has idled for longer than it has been there")
    devices = {slot: device_state(card, state.devices[slot]) for slot, card in cards.items()}
    # What fails from here on leaves the machine as it is, or half loaded: it must not run.
    try:
        for name in PARTS:
            getattr(board, name).load(getattr(state, name))
    except ValueError as error:
        raise StateError(f"saved state: {error}") from None
    for region in regions:
        write_contents(board.memory, region, state.regions[region.name])
    for slot, card in cards.items():
        card.load(devices[slot])
    for processor, loaded in zip(board.processors, processors, strict=True):
        ctypes.memmove(ctypes.addressof(processor), ctypes.addressof(loaded), ctypes.sizeof(loaded))
    board.state = made_of(OwnState, state, preemptions=sorted(state.preemptions))
    board.debugger_pending = False


def _processors(board: "Board", state: BoardState) -> list[ProcessorState]:
    """The saved processors; StateError unless they are a board's, and between two cycles."""
    writable = profile_named(board.profile).status_writable
    processors = []
    for number, saved in enumerate(state.processors):
        found = ProcessorState()
        load_processor(found, saved)
        processors.append(found)
        if found.identity != number or found.supervised or found.status & ~writable:
            raise StateError(f"saved processor {number} is of another kind of machine")
    if len({processor.clock for processor in processors}) != 1:
        raise StateError("the saved processors stand in different cycles")
    return processors


def device_state(card: "Device", state: Any) -> Any:
    """A device's state as its own type: of bytes, as a file gives them, no more is read than the
    type has room for. Other programs' copies are plain dictionaries."""
    if isinstance(state, card.State):
        return state
    try:
        if isinstance(state, msgspec.Raw):
            return msgspec.msgpack.decode(state, type=card.State)
        return msgspec.convert(state, card.State)
    except (msgspec.MsgspecError, ValueError, RecursionError, OverflowError) as error:
        raise StateError(f"saved state of {card.owner}: {error}") from None
