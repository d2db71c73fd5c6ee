"""Notices a kernel that takes an exception before it has handlers.

Until it clears BEV in Status, exceptions go to the boot ROM, which has no handler: all that happens
from then on is one exception after the other. Which the first was, the processor's state says.
"""

from kseg.engine.state import ProcessorState
from kseg.isa.exceptions import BOOT_ROM, DESCRIPTIONS
from kseg.machine.board import Board
from kseg.monitor.stop import Stop, StopReason

ADDRESSED = range(1, 6)
"""Codes of exceptions that say an address."""

LOST = (
    "an exception came before the kernel had set up its handlers and cleared BEV in Status; "
    "the boot ROM has no handler"
)


def is_lost(board: Board) -> bool:
    """Whether all that executes is one exception after the other in the boot ROM."""
    first = board.processors[0]
    if first.pc not in BOOT_ROM or first.epc not in BOOT_ROM:
        return False
    return all(each.waiting or not each.enabled for each in board.processors[1:])


def lost(board: Board) -> Stop:
    """The end of a guest that `is_lost`."""
    first = board.processors[0]
    code = first.boot_cause >> 2 & 0x1F
    text = LOST
    if first.boot_epc not in BOOT_ROM and code < len(DESCRIPTIONS):
        text += f": {DESCRIPTIONS[code]}, at pc {first.boot_epc:#010x}"
        if code in ADDRESSED:
            text += f", address {first.boot_bad_vaddr:#010x}"
    return Stop(StopReason.FATAL, 1, text, 0)


def place_of(processor: ProcessorState) -> int:
    """Where a processor has failed: before the boot ROM, if it is in there."""
    return processor.boot_epc if processor.pc in BOOT_ROM else processor.pc
