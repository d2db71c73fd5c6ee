"""Answers an engine's exits for device registers, from the board's bus."""

from kseg.engine.contract import Engine, Exit
from kseg.errors import BusError, GuestFatal
from kseg.machine.board import Board


class DeviceAnswers:
    """What loads and stores outside every region of memory come to."""

    def __init__(self, board: Board, engine: Engine) -> None:
        self.engine = engine
        self.fatal: GuestFatal | None = None
        """What the guest has done that its hardware does not survive, in this cycle."""
        self._bus, self._clock = board.bus, board.clock

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
            steady = request.size == 4 and request.address in bus.steady_words
            self.engine.complete_load(value, steady=steady)

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
        self.fatal = None
