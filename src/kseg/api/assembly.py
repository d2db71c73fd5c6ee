"""The one place where a machine is put together.

A `Setup` says what it is and how it runs, a `Source` where its state, its disks and its input come
from: a kernel (`booting`), a snapshot (`snapshots`), a recorded run (`repeating`), another machine
(`forks`). A placement says what it is put on: hardware of its own, or a host's.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from kseg.api.console import Console
from kseg.api.options import Execution, Running
from kseg.api.paced_input import PacedInput
from kseg.boards import board_named
from kseg.engine.contract import Engine
from kseg.machine.configuration import Configuration
from kseg.machine.disk_image import Disk
from kseg.machine.input_port import InputPort
from kseg.machine.run_lock import RunLock
from kseg.monitor.contract import Placement
from kseg.monitor.observer import Observer, Order
from kseg.monitor.observers import Observers
from kseg.monitor.placement import alone
from kseg.monitor.run_loop import RunLoop
from kseg.monitor.stop import Stop

if TYPE_CHECKING:
    from kseg.memory.layer import Layer


class Setup(msgspec.Struct, frozen=True):
    """What a machine is, and how it runs. `window` is where its kernel is linked if not in
    kseg0."""

    kernel: Path
    configuration: Configuration
    execution: Execution
    running: Running = Running()
    window: int | None = None


class Source(msgspec.Struct, frozen=True):
    """Where a machine begins. What is left out, is new: nothing has come in, drives have what the
    configuration names, RAM is empty."""

    enter: Callable[["Assembly"], None]
    """Brings the board to where it begins; it has no engine yet."""
    epoch: int | None = None
    """The calendar time at power-on; None: the host's."""
    doom: int = 0
    """The number of disk writes at which the power fails; 0: never."""
    disks: Mapping[int, Disk] = msgspec.field(default_factory=dict)
    """What is in the drives already, by slot."""
    input_port: InputPort | None = None
    layer: "Layer | None" = None
    """What RAM holds, on the bare machine."""
    like: Engine | None = None
    """What the engine may have in common with another one, which is what never changes."""
    network: bool = False
    """Whether network cards are to reach their hubs."""


class Owner(Protocol):
    """What owns the machine, runs it, and tells its user what it does: a `Machine`, or a `Host`'s
    guest."""

    def printed(self, data: bytes) -> None:
        """The guest has printed something."""
        ...

    def said(self, text: str) -> None:
        """The machine has something to say."""
        ...

    def wake(self) -> None:
        """Input has come, and the machine may be asleep; any thread may say so."""
        ...

    def run_for(self, until: Callable[[], bool], seconds: float | None) -> Stop:
        """Let the machine run until it has printed something, or never will."""
        ...


class _Teller(Observer):
    """Lets the owner know what the machine prints and says."""

    order = Order.USER

    def __init__(self, owner: Owner) -> None:
        self._owner = owner

    def printed(self, data: bytes) -> None:
        self._owner.printed(data)

    def said(self, text: str) -> None:
        self._owner.said(text)


class Assembly:
    """A machine's parts, all of them: what cannot be put together leaves nothing open."""

    def __init__(
        self,
        setup: Setup,
        source: Source,
        owner: Owner,
        *,
        placement: Placement | None = None,
        lock: RunLock | None = None,
    ) -> None:
        """`placement` is hardware of its own unless one is given; `lock` is one that several
        machines have together. KsegError where a part cannot be made: what it says is the
        part's."""
        self.setup = setup
        self.owner = owner
        self.observers = Observers()
        """All that take part in its runs."""
        execution = setup.execution
        self.placement = placement or alone(
            execution.engine,
            execution.monitor,
            execution.quantum,
            window=setup.window,
            rewriting=execution.rewriting,
            compiler_share=execution.compiler_share,
            layer=source.layer,
            like=source.like,
        )
        with ExitStack() as made:
            made.callback(self.placement.close)
            kind = board_named(setup.configuration.board)
            profile = kind.profile_of(setup.configuration)
            self.board = kind(
                setup.configuration,
                memory=lambda size: self.placement.memory(profile, kind.byte_order, size),
                console=self.observers.printed,
                message=self.observers.said,
                epoch=None if source.epoch is None else lambda: source.epoch or 0,
                doom=source.doom,
                disks=source.disks,
                input_port=source.input_port,
            )
            made.callback(self.board.close)
            if lock is not None:
                self.board.run_lock = lock
            self.paced_input = PacedInput(self.board, owner.wake)
            self.console = Console(self.paced_input, owner.run_for)
            for observer in (self.paced_input, self.console, _Teller(owner)):
                self.observers.add(observer)
            source.enter(self)
            self.engine = self.placement.engine_for(self.board)
            running = setup.running
            self.monitor = RunLoop(
                self.board,
                self.engine,
                self.observers,
                pace=running.pace,
                stop_for_debugger=running.stop_for_debugger,
            )
            if running.progress_timeout:
                from kseg.monitor.watchdog import Watchdog

                self.observers.add(Watchdog(running.progress_timeout, self.board))
            if source.network:
                for connection in self.board.connect_network(owner.wake):
                    made.callback(connection.close)
            self.closing = made.pop_all()
            """What else is to be closed with the machine can be pushed onto it."""

    def close(self) -> None:
        """Give back files, locks, sockets, memory and the engine. A second time does nothing."""
        self.closing.close()
