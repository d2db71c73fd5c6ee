"""`Machine`: a machine by itself, put together and ready to run."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self, Unpack

from kseg import checks
from kseg.api.assembly import Setup, Source
from kseg.api.booting import Boot
from kseg.api.options import (
    Execution,
    MachineOptions,
    RestoreOptions,
    Running,
    check_names,
    group,
)
from kseg.api.virtual_machine import Message, VirtualMachine
from kseg.errors import StateError
from kseg.machine.board_state import BoardState
from kseg.monitor.stop import Stop

if TYPE_CHECKING:
    from kseg.machine.board import MeterServer


class Machine(VirtualMachine):
    """A virtual machine with a guest in it, reset and about to execute its first instruction.

    >>> from kseg import Machine
    >>> with Machine("cms", "echo hello; halt") as machine:
    ...     print(machine.run().reason)
    ...     print(machine.console.output)
    power-off
    cms 1.0 (4096 kB, 1 CPU)
    hello
    <BLANKLINE>
    """

    def __init__(
        self,
        kernel: str | Path,
        arguments: str | Sequence[str] = "",
        *,
        output: Callable[[bytes], None] | None = None,
        message: Callable[[str], None] | None = None,
        **options: Unpack[MachineOptions],
    ) -> None:
        """Build the machine and load `kernel`, an ELF file's path or the name of a bundled guest.

        `arguments` is the boot string (several are joined by blanks). `output` gets what the guest
        prints as it does, besides the console; `message` what the machine itself has to say, a line
        at a time. `options` are those of `kseg.api.options.MachineOptions`, such as `cpus=2,
        ram="8M"`: what the machine is, what executes its code, how it runs.

        Raises ImageError, ConfigurationError, DiskImageError or EngineError (all of them
        KsegError), with one line that says what to mend.
        """
        check_names(options, MachineOptions)
        boot = Boot(kernel, arguments, options)
        execution, running = group(Execution, options), group(Running, options)
        configuration = boot.configuration()
        setup = Setup(boot.kernel, configuration, execution, running, boot.window())
        super().__init__(setup, boot.source(), output, message)

    @classmethod
    def assembled(
        cls,
        setup: Setup,
        source: Source,
        output: Callable[[bytes], None] | None = None,
        message: Callable[[str], None] | None = None,
    ) -> Self:
        """One that does not begin with a kernel: see `kseg.api.assembly`."""
        machine = cls.__new__(cls)
        VirtualMachine.__init__(machine, setup, source, output, message)
        return machine

    def sibling(
        self,
        setup: Setup,
        source: Source,
        output: Callable[[bytes], None] | None = None,
        message: Callable[[str], None] | None = None,
    ) -> "Machine":
        return self.assembled(setup, source, output, message)

    @classmethod
    def from_snapshot(
        cls,
        path: str | Path,
        *,
        output: Callable[[bytes], None] | None = None,
        message: Callable[[str], None] | None = None,
        **options: Unpack[RestoreOptions],
    ) -> Self:
        """The machine that a snapshot file describes, where it was.

        `engine` and `monitor` may be others than the snapshot was made with. Files and directories
        of the host that the machine had are opened only when they are given again, `disks` in the
        order of their slots and `share`, or when the snapshot is one to `trust`. With `overlay`,
        what the machine writes to disk images from now on stays in its memory. The other `options`
        (`kseg.api.options.RestoreOptions`), `output` and `message` are those of `Machine`. Raises
        StateError when the snapshot is damaged or foreign or a disk image has changed, and what
        `Machine` raises.
        """
        from kseg.api.snapshots import Restored

        check_names(options, RestoreOptions)
        saved = Restored(checks.path("path", path), options)
        return cls.assembled(saved.setup, saved.source(), output, message)

    def __repr__(self) -> str:
        count = len(self.board.processors)
        return (
            f"<Machine {self.kernel.name}: {count} CPU{'s' if count > 1 else ''},"
            f" {self.board.memory.ram.size >> 10} kB, {self.time:.6f} s>"
        )

    def tell(self, callback: Callable[[Message], None], what: Message) -> None:
        callback(what)

    def wake(self) -> None:
        """It looks for input while it sleeps."""

    # Running.

    def run_for(self, until: Callable[[], bool], seconds: float | None) -> Stop:
        return self.run(until=until, seconds=seconds)

    def run_to(self, limit: int | None, condition: Callable[[], bool] | None = None) -> Stop:
        return self.monitor.run(limit, until=condition)

    # State.

    def load(self, state: BoardState | str | Path) -> None:
        """Become the machine that was saved, in memory or in a file; StateError when this one is
        built differently, when the file is damaged or a disk image has changed since, or while the
        machine is recorded. When it fails after it has begun, the machine must not run on."""
        if self.recording is not None and self.recording.goes_on:
            raise StateError(
                "the machine is being recorded, and a log goes forward in time only; finish the"
                " recording, load, and record into a new log"
            )
        if not isinstance(state, BoardState):
            try:
                state = checks.path("state", state)
            except checks.ArgumentError as error:
                if isinstance(state, str | Path):
                    raise StateError(str(error)) from None
                raise checks.wrong("state", state, "what save returned, or a path") from None
        with self.board.run_lock:
            if isinstance(state, Path):
                from kseg.api.snapshots import load_machine

                load_machine(self, state)
            else:
                self.board.load(state)
                self.board.hang_up()
                self.monitor.state_loaded()
            self.board.changed()

    def serve_meter(self, path: str | Path) -> "MeterServer":
        """Make a socket at which stat161 and test161 read the machine's counters; `start` it before
        the machine runs. It is gone when the machine is closed. As on System/161, a client's
        reports are events, and so the timing of devices is another with one than without.
        KsegError where the socket cannot be made."""
        path = checks.path("path", path)
        with self.board.run_lock:
            made = self.board.serve_meter(path)
            self._parts.closing.callback(made.close)
            return made

    def close(self) -> None:
        """Give back disk images and their locks; the machine cannot run any more. A second time
        does nothing."""
        lock = self.board.run_lock
        if lock.closed:
            return
        with lock:
            self.observers.closing()
            lock.close()
            self._parts.close()

    def __enter__(self) -> "Machine":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()
