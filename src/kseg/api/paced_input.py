"""Paced input: what is typed into a guest's console, character by character, as the guest takes
it (`kseg.machine.typist` says when)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from kseg.machine.board import Board
from kseg.machine.typist import BUSY_PATIENCE, NOTHING, PATIENCE
from kseg.monitor.burst_loop import NEVER, Look
from kseg.monitor.observer import RUN_ON, Observer, Order
from kseg.monitor.stop import Stop, StopReason

if TYPE_CHECKING:
    from kseg.history.state import PacedInputState


class PacedInput(Observer):
    """Gives the machine what is to be typed. Where nobody else has to look on, the burst loop
    does that itself."""

    order = Order.INPUT

    def __init__(self, board: Board, wake: Callable[[], None] = lambda: None) -> None:
        """`wake` is called when something has been queued: the machine may be asleep."""
        self._board, self._wake = board, wake
        self._typist = board.typist

    def type(self, data: bytes) -> None:
        """Queue characters; any thread may."""
        self._typist.waiting += data
        if data:
            self._wake()

    def save(self) -> "PacedInputState":
        """What is still to be typed, and what is known of the guest's answer."""
        from kseg.history.state import PacedInputState

        typist = self._typist
        typed = None if typist.typed == NOTHING else typist.typed
        return PacedInputState(
            bytes(typist.waiting), typed, typist.echoed, typist.answered, typist.quiet_since
        )

    def load(self, state: "PacedInputState") -> None:
        """Go on where another one stood."""
        typist = self._typist
        typist.waiting = bytearray(state.pending)
        typist.typed = NOTHING if state.typed is None else state.typed
        typist.echoed, typist.answered = state.echoed, state.answered
        typist.quiet_since = state.quiet_since

    @property
    def pending(self) -> int:
        """Characters that the machine has not been given yet."""
        return len(self._typist.waiting)

    @property
    def looks(self) -> Look:
        """The guest becomes ready when it prints something, or rests."""
        return Look.OUTPUT | Look.IDLE if self._typist.waiting else Look.OFTEN

    @property
    def look_at(self) -> int:
        """When it has been quiet for long enough."""
        typist = self._typist
        if not typist.waiting:
            return NEVER
        return typist.quiet_since + (PATIENCE if typist.answered else BUSY_PATIENCE)

    def between_bursts(self) -> None:
        """Type the next character if the guest is ready for it."""
        board, typist = self._board, self._typist
        if not typist.waiting or board.input_port.waiting:
            return
        if typist.is_ready(board.clock, board.all_idle):
            character = typist.waiting[0]
            del typist.waiting[:1]
            typist.types(character, board.clock.now)
            board.input_port.type(bytes([character]))

    def stopped(self, stop: Stop) -> Stop | None:
        """A guest that waits for input has not got all of it yet."""
        return RUN_ON if stop.reason is StopReason.IDLE and self._typist.waiting else None
