"""A guest among others on a host: its console, and what it has had of the machine."""

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

from kseg import checks
from kseg.api.assembly import Setup, Source
from kseg.api.machine import Machine
from kseg.api.points import HITS
from kseg.api.virtual_machine import Message, VirtualMachine
from kseg.errors import KsegError
from kseg.memory.paged import PagedMemory
from kseg.monitor.hypervisor.memory_usage import GuestMemory
from kseg.monitor.hypervisor.virtual_processor import VirtualProcessor
from kseg.monitor.observers import CycleLimit
from kseg.monitor.placement import SharedPlacement
from kseg.monitor.shares import GuestUse, Share
from kseg.monitor.stop import Stop, StopReason

if TYPE_CHECKING:
    from kseg.api.host import Host


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


class Guest(VirtualMachine):
    """A guest of a `Host`, which makes it. Its time and its cycles are its own."""

    engine: VirtualProcessor
    """Its processor: see `kseg.monitor.hypervisor.virtual_processor`."""

    def __init__(
        self,
        host: "Host",
        name: str,
        share: Share,
        setup: Setup,
        source: Source,
        output: Callable[[bytes], None] | None,
        message: Callable[[str], None] | None,
    ) -> None:
        """See `Host.add`; when it cannot be put together, nothing is left of it."""
        self.name, self.share = name, share
        self._host = host
        self._to_deliver: list[Callable[[], None]] = []
        self._memory_use: GuestMemory | None = None
        placement = SharedPlacement(host.hypervisor, setup.execution.monitor, setup.window)
        super().__init__(setup, source, output, message, placement=placement, lock=host.run_lock)
        try:
            self.turns = host.time_sharing.add(name, share, self.board, self.monitor)
            """Its place among the others."""
        except BaseException:
            self._parts.close()
            raise

    def sibling(
        self,
        setup: Setup,
        source: Source,
        output: Callable[[bytes], None] | None = None,
        message: Callable[[str], None] | None = None,
    ) -> Machine:
        return Machine.assembled(setup, source, output, message)

    def __repr__(self) -> str:
        return f"<Guest {self.name}: {self.kernel.name}, {self.state}, {self.time:.6f} s>"

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
        self.wake()

    def end(self, stop: Stop | None = None) -> None:
        """Switch it off, with a Stop that says why; its memory is free."""
        self._host.end(self, ENDED if stop is None else stop)

    # What it has had.

    @property
    def executed(self) -> int:
        """Cycles in which it executed."""
        return self.turns.executed

    @property
    def use(self) -> GuestUse:
        """What it had of the host: see `kseg.monitor.shares`."""
        return self._host.time_sharing.use_of(self.name)

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

    # What the host calls, and its own parts.

    def tell(self, callback: Callable[[Message], None], what: Message) -> None:
        """Between slices: what goes wrong with that is not the guest's fault."""
        self._to_deliver.append(lambda: callback(what))

    def deliver(self) -> None:
        """Hand out what was printed and said since the last time."""
        deliveries, self._to_deliver = self._to_deliver, []
        for deliver in deliveries:
            deliver()

    def wake(self) -> None:
        self._host.time_sharing.wake(self.name)

    # Running: the others run, too, as it is their turn.

    def run_for(self, until: Callable[[], bool], seconds: float | None) -> Stop:
        stop = self._host.run(until=lambda: until() or self._is_over, seconds=seconds)
        return self._own(stop)

    def run_to(self, limit: int | None, condition: Callable[[], bool] | None = None) -> Stop:
        if self.stop is not None:
            return self.stop
        end, asked = CycleLimit(self.engine, limit), condition or (lambda: False)
        sharing = self._host.time_sharing
        stands = sharing.stands
        sharing.stands = lambda who, stop: (
            (who is self.turns and stop.reason in HITS) or stands(who, stop)
        )
        try:
            with self.observers.added(end):
                stop = sharing.run(None, lambda: end.reached or asked() or self._is_over)
        finally:
            sharing.stands = stands
        if stop.reason is StopReason.CONDITION and end.reached:
            return Stop(StopReason.CYCLE_LIMIT)
        return self._own(stop)

    @property
    def _is_over(self) -> bool:
        """Whether it will do nothing more by itself."""
        return self.stop is not None or self.waits_for_input

    def _own(self, stop: Stop) -> Stop:
        """What a Stop of all is to this one."""
        if self.stop is not None:
            return self.stop
        if stop.reason is StopReason.CONDITION and self.waits_for_input:
            return Stop(StopReason.IDLE, None, "the guest waits for input")
        return stop

    # Its end.

    def check_present(self) -> None:
        if self._memory_use is not None:
            raise KsegError(f"guest {self.name} has ended, and its memory is gone: add it anew")

    def release(self) -> None:
        """Give back its memory, disks, locks and places in networks; what is known of it stays. A
        second time does nothing."""
        if self._memory_use is not None:
            return
        self.observers.closing()
        self._memory_use = self._count_memory()
        self._parts.close()
