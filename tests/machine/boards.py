"""Boards for tests."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from kseg.api.options import Hardware
from kseg.boards.system161.board import System161
from kseg.boards.system161.configuration import parse_configuration
from kseg.monitor.run_loop import RunLoop
from tests.machine.fake_engine import FakeEngine, Program

MAINBOARD = "31 mainboard ramsize=64K"
SLOT = 0x1FE00000
CONTROL = 0x1FFF7E00
EPOCH = 1_700_000_000


def slot(number: int, offset: int = 0) -> int:
    """A physical address in a slot."""
    return SLOT + 0x10000 * number + offset


class Collected:
    """What a board says."""

    def __init__(self) -> None:
        self.console = bytearray()
        self.messages: list[str] = []


def make_board(
    *lines: str, mainboard: str = MAINBOARD, directory: Path | None = None, **options: Any
) -> System161:
    """A board; what it prints is in `board.collected`."""
    configuration = parse_configuration("\n".join([*lines, mainboard]))
    if directory is not None:
        configuration = type(configuration)(configuration.slots, str(directory))
    collected = Collected()
    board = System161(
        configuration,
        console=collected.console.extend,
        message=collected.messages.append,
        epoch=lambda: EPOCH,
        **options,
    )
    board.collected = collected  # type: ignore[attr-defined]
    return board


def run_program(
    board: System161, program: Callable[[], Program], **options: Any
) -> tuple[RunLoop, FakeEngine]:
    """A monitor and a fake engine for `program`."""
    engine = FakeEngine(board.processors, program())
    return RunLoop(board, engine, **options), engine


def configure(config: Any = None, **options: Any) -> Any:
    """A configuration, as a user gets it."""
    return Hardware(config=config, **options).configuration()
