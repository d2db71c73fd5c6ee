"""A guest among others on a host: its console, and what it has had of the machine."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from kseg.api import checks
from kseg.api.console import Console
from kseg.api.paced_input import PacedInput
from kseg.api.view import Visible
from kseg.boards.system161.board import System161
from kseg.memory.paged import PagedMemory
from kseg.monitor.hypervisor.memory_usage import GuestMemory
from kseg.monitor.hypervisor.time_shared_guest import TimeSharedGuest
from kseg.monitor.hypervisor.virtual_processor import VirtualProcessor
from kseg.monitor.run_loop import RunLoop
from kseg.monitor.shares import GuestUse, Share
from kseg.monitor.stop import Stop, StopReason

if TYPE_CHECKING:
    from kseg.api.host import Host
    from kseg.boards.system161.hub import HubConnection


ENDED = Stop(StopReason.INTERRUPTED, None, "ended from outside")
"""How a guest ends that is switched off by a program."""


class State(StrEnum):
    """What a guest is doing."""

    RUNNING = "running"
    """It executes, or waits for its turn."""
    ASLEEP = "asleep"
    """It waits for time to pass, or for input."""
    ENDED = "ended"
    """It switched off, failed, or was ended: `stop` says which."""


class WakingPacedInput(PacedInput):
    """Paced input for a guest that may be asleep."""

    def __init__(self, board: System161, wake: Callable[[], None]) -> None:
        super().__init__(board)
        self._wake = wake

    def type(self, data: bytes) -> None:
        super().type(data)
        if data:
            self._wake()


class Guest(Visible):
    """A guest of a `Host`, which makes it. Its time and its cycles are its own."""

    def __init__(
        self,
        host: "Host",
        name: str,
        kernel: Path,
        share: Share,
        output: Callable[[bytes], None] | None,
        message: Callable[[str], None] | None,
    ) -> None:
        self.name, self.kernel, self.share = name, kernel, share
        self.messages: list[str] = []
        """What its machine had to say to its user so far."""
        self._host = host
        self._output, self._message = output, message
        self._to_deliver: list[Callable[[], None]] = []
        self._connections: list[HubConnection] = []
        self._memory_use: GuestMemory | None = None
        # `Host.add` fills these in, in this order: each needs the one before.
        self.board: System161
        """Its hardware: see `kseg.boards.system161.board`."""
        self.paced_input: PacedInput
        """Types what `console.send` and `input` say, no faster than the guest takes it."""
        self.console: Console
        """What it prints, and its keyboard."""
        self.engine: VirtualProcessor
        """Its processor: see `kseg.monitor.hypervisor.virtual_processor`."""
        self.monitor: RunLoop
        """What answers for its devices."""
        self.turns: TimeSharedGuest
        """Its place among the others."""

    def __repr__(self) -> str:
        return f"<Guest {self.name}: {self.kernel.name}, {self.state}, {self.time:.6f} s>"

    @property
    def _window(self) -> int | None:
        return self.engine.window

    @property
    def state(self) -> State:
        """Running, asleep or ended."""
        if self.turns.stop is not None:
            return State.ENDED
        return State.ASLEEP if self.turns.asleep else State.RUNNING

    @property
    def stop(self) -> Stop | None:
        """How it ended, with a `reason`, an `exit_code` and a `message`; None if it has not."""
        return self.turns.stop

    @property
    def crashed(self) -> bool:
        """Whether it ended in any other way than by switching off in good order."""
        stop = self.turns.stop
        if stop is None or stop.reason is StopReason.INTERRUPTED:
            return False
        return stop.reason is not StopReason.POWER_OFF or stop.exit_code != 0

    @property
    def waits_for_input(self) -> bool:
        """Whether nothing but input can wake it, and none is on its way."""
        return self.turns.waits_forever and not self.board.input_port.waiting

    def type(self, data: bytes) -> None:
        """Type at once, as a person does, however fast the guest takes it; any thread may."""
        self.board.input_port.type(checks.data("data", data))
        self._host.wake(self)

    def end(self, stop: Stop | None = None) -> None:
        """Switch it off from outside, with a Stop that says why; its memory is free."""
        self._host.end(self, ENDED if stop is None else stop)

    def reset(self) -> None:
        """Back to power-on with the same kernel; its time goes on. KsegError if it has ended."""
        self._host.reset(self)

    # What it has had.

    @property
    def executed(self) -> int:
        """Cycles in which it executed."""
        return self.turns.executed

    @property
    def use(self) -> GuestUse:
        """What it had of the host: see `kseg.monitor.shares`."""
        return self._host.use_of(self)

    @property
    def exits(self) -> dict[str, int]:
        """How often the monitor had to do something for it, by reason; those that did not occur
        are left out."""
        return self.engine.monitored.exits

    @property
    def memory_use(self) -> GuestMemory:
        """Where its pages lie (see `kseg.monitor.hypervisor.memory_usage`); when it has ended,
        where they lay last."""
        return self._memory_use or self._count_memory()

    def _count_memory(self) -> GuestMemory:
        memory = self.board.memory
        assert isinstance(memory, PagedMemory)
        return self.engine.hypervisor.allocator.usage(memory)

    # What the host calls.

    def printed(self, data: bytes) -> None:
        """It has printed something."""
        self.paced_input.printed(data)
        self.console.printed(data)
        if self._output is not None:
            output = self._output
            self._to_deliver.append(lambda: output(data))

    def said(self, text: str) -> None:
        """Its machine has something to say."""
        self.messages.append(text)
        if self._message is not None:
            message = self._message
            self._to_deliver.append(lambda: message(text))

    def deliver(self) -> None:
        """Hand out what was printed and said, between slices: what goes wrong with that is not
        the guest's fault."""
        deliveries, self._to_deliver = self._to_deliver, []
        for deliver in deliveries:
            deliver()

    def connect_network(self) -> None:
        """Let its network cards reach their hubs, if it has any; KsegError when that fails."""
        if any(slot.device == "nic" for slot in self.board.configuration.slots):
            from kseg.boards.system161.hub import connect

            self._connections = connect(self.board, lambda: self._host.wake(self))

    def disconnect_network(self) -> None:
        """Leave the hubs."""
        for connection in self._connections:
            connection.close()
        self._connections = []

    def release(self) -> None:
        """Give back its memory, disks and locks; what is known of it stays."""
        self.disconnect_network()
        self._memory_use = self._count_memory()
        self.engine.close()
        self.board.close()
