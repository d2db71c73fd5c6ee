"""`Machine`: a machine by itself, put together and ready to run."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self, Unpack

from kseg import checks
from kseg.api.assembly import Setup, Source
from kseg.api.booting import Boot
from kseg.api.console import Search
from kseg.api.options import (
    Execution,
    MachineOptions,
    RestoreOptions,
    Running,
    check_names,
    group,
    limit_of,
)
from kseg.api.virtual_machine import Message, VirtualMachine
from kseg.errors import StateError
from kseg.machine.board_state import BoardState
from kseg.machine.run_lock import Safepoint
from kseg.monitor.stop import Stop

if TYPE_CHECKING:
    from kseg.api.points import Addresses, Watched
    from kseg.api.travel import TimeTravel
    from kseg.machine.board import MeterServer
    from kseg.profile.samples import Profile


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
    def _made(
        cls,
        setup: Setup,
        source: Source,
        output: Callable[[bytes], None] | None = None,
        message: Callable[[str], None] | None = None,
    ) -> Self:
        """One that does not begin with a kernel."""
        machine = cls.__new__(cls)
        VirtualMachine.__init__(machine, setup, source, output, message)
        return machine

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
        return cls._made(saved.setup, saved.source(), output, message)

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

    def run(
        self,
        *,
        until: Callable[[], bool] | str | re.Pattern[str] | None = None,
        cycles: int | None = None,
        seconds: float | None = None,
        until_pc: "Addresses | None" = None,
        watch: "Watched | None" = None,
    ) -> Stop:
        """Let the machine run until it stops by itself, or for so many `cycles` or virtual
        `seconds`, or `until`: a predicate, asked between two events, or text that the guest
        prints from now on (a regular expression if compiled).

        `until_pc` is where a processor is about to execute an instruction, `watch` memory that is
        about to be written to: virtual addresses or names (see `symbols`), one or several. A name
        watches all that it stands for, an address a word; a `Watchpoint` says how much, and
        whether reading counts. The run stops before the instruction, the next time that it comes
        to one: not at that at which it stands.

        The Stop says why it came back: `stop.reason` is a StopReason, `stop.exit_code` what a
        command line would exit with, or None where the machine could go on; for `until_pc` and
        `watch`, `stop.processor` and `stop.address` say where, and `stop.message` in words.

        KsegError for arguments that make no sense; InUseError, one of those, in another thread or
        from a callback while the machine runs.
        """
        limit = limit_of(cycles, seconds, self.board.time_model)
        until = checks.condition("until", until)
        points = None
        if until_pc is not None or watch is not None:
            from kseg.api.points import Points

            points = Points(
                self, () if until_pc is None else until_pc, () if watch is None else watch
            )
        with self.board.run_lock:
            if limit is not None:
                limit += self.engine.clock
            condition = self._condition(until)
            if points is None:
                return self.monitor.run(limit, until=condition)
            return points.run(limit, condition)

    def step(self, count: int = 1, *, processor: int = 0) -> Stop:
        """Let a processor execute `count` instructions: one that waits for an interrupt waits
        before. Other processors execute what they do meanwhile. The Stop's reason is CYCLE_LIMIT
        when it has executed them, or why the machine has stopped before; KsegError as `run`."""
        from kseg.api.stepping import step

        count = checks.whole("count", count, 0, checks.LATEST)
        with self.board.run_lock:
            return step(self, count, self._number(processor))

    def _condition(
        self, until: Callable[[], bool] | str | re.Pattern[str] | None
    ) -> Callable[[], bool] | None:
        if isinstance(until, str | re.Pattern):
            return Search(self.console, until, len(self.console.output))
        if until is None:
            return None
        # What is remembered of the run begins anew where it is changed: at the end of a run only.
        rest = Safepoint.SAVABLE if self.observers.remember else Safepoint.CHANGEABLE
        return self.board.run_lock.at_safepoint(rest, until)

    def profile(
        self,
        *,
        hz: int = 1000,
        stacks: bool = True,
        until: Callable[[], bool] | str | re.Pattern[str] | None = None,
        cycles: int | None = None,
        seconds: float | None = None,
    ) -> "Profile":
        """Run as `run` does, and look at all processors `hz` times a virtual second, with their
        back-traces if `stacks`. `print` shows the profile as a table; its `stop` is what `run`
        returned. The guest notices nothing. KsegError when `hz` is not from 1 to a million."""
        from kseg.api.profiling import profile

        return profile(self, hz, stacks, until, cycles, seconds)

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

    def travel(self, *, memory: int | None = None) -> "TimeTravel":
        """Remember from here on what happens, so that any moment can be visited again: see
        `TimeTravel`. While the machine is recorded, all moments of the recording can. `memory` is
        what checkpoints may take, in bytes (default: 256 MiB). StateError while the machine cannot
        be saved."""
        from kseg.api.travel import travel_live

        if memory is not None:
            memory = checks.whole("memory", memory)
        with self.board.run_lock:
            return travel_live(self, memory)

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
