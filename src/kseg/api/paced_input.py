"""Paced input: types into a guest's console no faster than the guest takes it.

A serial line has no way to say "wait". A guest that is busy puts what comes into a buffer of its
own and drops what does not fit: OS/161 keeps 32 characters. So a script that is simply poured
into a machine loses lines as soon as one of its commands takes a while.

A person waits for the echo. So does kseg. The next character goes in when the guest

* has echoed the last one, or
* rests (every processor waits, and only a clock is about to wake one) and has printed something
  since, or has rested for `PATIENCE` (it may read without echo, or sleep), or
* does not rest, but has printed something and nothing more for `PATIENCE`, or nothing at all for
  `BUSY_PATIENCE`.

All of this depends on the machine alone, so a script that is there from the start is typed at the
same cycles in every run.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from kseg.machine.board import Board
from kseg.monitor.burst_loop import NEVER, Look
from kseg.monitor.observer import RUN_ON, Observer, Order
from kseg.monitor.stop import Stop, StopReason

if TYPE_CHECKING:
    from kseg.history.state import PacedInputState

PATIENCE = 500_000_000
"""Virtual ns after which a guest that has nothing to say is given more."""
BUSY_PATIENCE = 10_000_000_000
"""The same for one that has not answered and may still be at work."""

ENTER = b"\r\n"


class PacedInput(Observer):
    """Holds what is still to be typed, and gives it to the machine character by character."""

    order = Order.INPUT

    def __init__(self, board: Board, wake: Callable[[], None] = lambda: None) -> None:
        """`wake` is called when something has been queued: the machine may be asleep."""
        self._board, self._wake = board, wake
        self._pending = bytearray()
        self._typed: int | None = None
        """The last character typed, until the guest prints something."""
        self._echoed = False
        self._answered = True
        self._quiet_since = 0
        """Virtual time of the last character, either way."""

    def type(self, data: bytes) -> None:
        """Queue characters; any thread may."""
        self._pending += data
        if data:
            self._wake()

    def printed(self, data: bytes) -> None:
        """The guest printed this."""
        if self._typed is not None:
            self._answered = True
            typed, first = self._typed, data[0]
            self._echoed = typed == first or (typed in ENTER and first in ENTER)
            self._typed = None
        self._quiet_since = self._board.record.printed_at

    def save(self) -> "PacedInputState":
        """What is still to be typed, and what is known of the guest's answer."""
        from kseg.history.state import PacedInputState

        return PacedInputState(
            bytes(self._pending), self._typed, self._echoed, self._answered, self._quiet_since
        )

    def load(self, state: "PacedInputState") -> None:
        """Go on where another one stood."""
        self._pending = bytearray(state.pending)
        self._typed, self._echoed = state.typed, state.echoed
        self._answered, self._quiet_since = state.answered, state.quiet_since

    @property
    def pending(self) -> int:
        """Characters that the machine has not been given yet."""
        return len(self._pending)

    @property
    def at_rest(self) -> bool:
        """Whether the guest waits, and for nothing that a device is about to bring."""
        return self._board.all_idle and not self._board.clock.devices_work

    @property
    def looks(self) -> Look:
        """The guest becomes ready when it prints something, or rests."""
        return Look.OUTPUT | Look.IDLE if self._pending else Look.OFTEN

    @property
    def look_at(self) -> int:
        """When it has been quiet for long enough."""
        if not self._pending:
            return NEVER
        return self._quiet_since + (PATIENCE if self._answered else BUSY_PATIENCE)

    def between_bursts(self) -> None:
        """Type the next character if the guest is ready for it."""
        if self._pending and not self._board.input_port.waiting and self._is_ready():
            self._type_next()

    def stopped(self, stop: Stop) -> Stop | None:
        """A guest that waits for input has not got all of it yet."""
        return RUN_ON if stop.reason is StopReason.IDLE and self._pending else None

    def _is_ready(self) -> bool:
        if self._echoed:
            return True
        clock = self._board.clock
        quiet = clock.now - self._quiet_since
        if self.at_rest:
            # Without anything due there is no time to pass either: the guest waits for us.
            return self._answered or clock.next_due is None or quiet >= PATIENCE
        return quiet >= (PATIENCE if self._answered else BUSY_PATIENCE)

    def _type_next(self) -> None:
        self._typed = self._pending[0]
        del self._pending[:1]
        self._echoed = self._answered = False
        self._quiet_since = self._board.clock.now
        self._board.input_port.type(bytes([self._typed]))
