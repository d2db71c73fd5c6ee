"""Boards (QEMU: machine types): a folder for each machine that kseg emulates, and a line here by
which it is known.

A board is imported when it is asked for. Nothing but this registry, and the commands that are
System/161's own, knows which boards there are; the contract is `kseg.machine.board.Board`. How to
write one: docs/own-boards.md.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from kseg.errors import ConfigurationError

if TYPE_CHECKING:
    from kseg.machine.board import Board

BOARDS = {
    "system161": "kseg.boards.system161.board:System161",
    "decstation": "kseg.boards.decstation.board:Decstation",
}
"""Module and class, by name."""

DEFAULT = "system161"


def board_named(name: str) -> "type[Board]":
    """The class of a board; ConfigurationError where there is none of that name."""
    place = BOARDS.get(name)
    if place is None:
        raise ConfigurationError(f"machine {name}: no such board; there are {', '.join(BOARDS)}")
    module, _, found = place.partition(":")
    kind: type[Board] = getattr(import_module(module), found)
    return kind


def board_for(header: bytes) -> str:
    """The name of the board that an executable is for which begins like this, by its byte order;
    the usual one's where it does not say, or there is none."""
    orders = {1: "little", 2: "big"}
    order = orders.get(header[5]) if header[:4] == b"\x7fELF" and len(header) > 5 else None
    for name in (DEFAULT, *BOARDS):
        if board_named(name).byte_order == order:
            return name
    return DEFAULT
