"""Answers an engine's exits for device registers, from the board's bus."""

from kseg.engine.contract import Engine, Exit
from kseg.errors import BusError, GuestFatal
from kseg.machine.board import Board
from kseg.machine.bus import Prefetchable

FURTHEST = 256
"""Words that a register is asked to prefetch at most: the largest prefetch distance."""


class DeviceAnswers:
    """What loads and stores outside every region of memory come to."""

    def __init__(self, board: Board, engine: Engine) -> None:
        self.engine = engine
        self.prefetching: Prefetchable | None = None
        """The register that has said what reading it again will bring: see `settle_prefetch`."""
        self.fatal: GuestFatal | None = None
        """What the guest has done that its hardware does not survive, in this cycle."""
        self._bus, self._clock = board.bus, board.clock
        self._distance = 1

    def load(self, request: Exit) -> None:
        """Answer DEVICE_LOAD."""
        bus = self._bus
        try:
            value = bus.read(request.processor, request.address, request.size)
        except BusError:
            self.engine.complete_load(None)
        except GuestFatal as fatal:
            self.engine.complete_load(0)
            self._stop_after_cycle(fatal)
        else:
            if request.size == 4 and request.address in bus.prefetchable_words:
                self.prefetching = bus.prefetchable_words[request.address]
                words = self.prefetching.prefetch(self._distance)
                self.engine.complete_load(value, following=words)
                return
            steady = request.size == 4 and request.address in bus.steady_words
            self.engine.complete_load(value, steady=steady)

    def settle_prefetch(self, device: Prefetchable) -> None:
        """After the exit that follows: let a register know how often it was read without its being
        asked. The more of what was prefetched was used, the larger is the distance the next
        time."""
        used = self.engine.take_used()
        device.consumed(used)
        self.prefetching = None
        furthest = used >= self._distance
        self._distance = min(2 * self._distance, FURTHEST) if furthest else max(2 * used, 1)

    def store(self, request: Exit) -> None:
        """Answer DEVICE_STORE."""
        try:
            self._bus.write(
                request.processor, request.address, request.size, request.value, request.mask
            )
        except BusError:
            self.engine.complete_store(False)
        except GuestFatal as fatal:
            self.engine.complete_store(True)
            self._stop_after_cycle(fatal)
        else:
            self.engine.complete_store(True)

    def _stop_after_cycle(self, fatal: GuestFatal) -> None:
        """The hardware hangs, but all processors complete the cycle."""
        self.fatal = self.fatal or fatal
        self._clock.end_burst_early()

    def forget(self) -> None:
        """The machine is in another state."""
        self.prefetching = self.fatal = None
