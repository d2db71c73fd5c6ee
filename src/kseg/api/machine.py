"""`Machine`: a board, an engine and a monitor, put together and ready to run."""

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar, overload

from kseg import engine as engines
from kseg import monitor as monitors
from kseg.api import checks
from kseg.api.boards import configure
from kseg.api.console import Console, Search
from kseg.api.guests import find_guest
from kseg.api.options import MOST_QUANTUM, boot_string, limit_of, run_options
from kseg.api.paced_input import PacedInput
from kseg.api.setup import Setup
from kseg.api.view import View
from kseg.boards.system161.board import MOST_PREEMPTIONS, System161, System161State
from kseg.boards.system161.configuration import Configuration
from kseg.engine.contract import Engine
from kseg.errors import ConfigurationError, StateError
from kseg.isa.values import WORD
from kseg.machine.disk_image import Disk
from kseg.machine.elf import WINDOW, read_image
from kseg.machine.input_port import InputPort
from kseg.machine.preemption import Preemption
from kseg.machine.run_lock import Rest
from kseg.monitor.run_loop import RunLoop
from kseg.monitor.single import Surface
from kseg.monitor.stop import Stop, StopReason

if TYPE_CHECKING:
    from kseg.api.points import Addresses, Watched
    from kseg.api.recording import Recording
    from kseg.api.travel import TimeTravel
    from kseg.boards.system161.meter_socket import MeterSocket
    from kseg.devices import Device
    from kseg.memory.layer import Layer


Said = TypeVar("Said")


class Companion(Protocol):
    """Who goes along with a machine that runs, and wants to look at it now and then."""

    @property
    def next_cycle(self) -> int | None:
        """Where the machine is to stand for it next; None where that does not matter."""
        ...

    def attend(self, stop: Stop) -> Stop | None:
        """The machine stands, because of `stop`; a Stop that is returned counts instead. After
        CYCLE_LIMIT it runs on, if that was not the user's limit."""
        ...


class Machine(View):
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
        config: str | Path | Configuration | None = None,
        cpus: int | None = None,
        ram: str | int | None = None,
        engine: str = engines.AUTOMATIC,
        monitor: str = monitors.BARE,
        rewriting: bool = True,
        disks: Sequence[str | Path] | str | Path = (),
        share: str | Path | None = None,
        overlay: bool = False,
        devices: "Mapping[int, str | type[Device]] | None" = None,
        seed: int | str | None = None,
        input: str | bytes = b"",  # noqa: A002 - what it is called everywhere else
        pace: str = "fast",
        epoch: int | None = None,
        doom: int = 0,
        progress_timeout: int = 0,
        quantum: int = 1,
        stop_for_debugger: bool = False,
        network: bool = True,
        output: Callable[[bytes], None] | None = None,
        message: Callable[[str], None] | None = None,
    ) -> None:
        """Build the machine and load `kernel`, an ELF file's path or the name of a bundled guest.

        `arguments` is the boot string (several are joined by blanks). `config` is the path of a
        `sys161.conf`; without one the machine has 4 MiB, one processor, console, timer, random
        source and, for a bundled guest, an empty disk in memory. `cpus`, `ram` (bytes, or a text
        such as "8M"), `disks` (image files, or one), `share` (a directory for the emulator file
        system) and `seed` (of the random source, "auto" for a new one) change either. With
        `overlay`, disk images are left alone: what the machine writes to them stays in its memory.
        `devices` puts cards into further slots: classes of your own (docs/own-devices.md), or texts
        as in `sys161.conf`.

        `engine` is one of `kseg.engine.CHOICES`; "auto" is the fastest that this host has.
        `monitor` is one of `kseg.monitor.CHOICES`: "bare" is the machine itself; `rewriting` lets
        another one rewrite instructions that trap often. `input` is typed as the guest takes it.
        `pace` "real" lets an idle virtual second last a second, "system161" only where the guest
        waits for nothing but its clocks.
        `epoch` is the calendar time at power-on, in seconds since 1970 (default: the host's).
        `doom` is the number of disk writes at which the power fails, `progress_timeout` the virtual
        seconds without a user-mode instruction after which a warning comes, and twice which the
        machine stops (0: never). `quantum` is the length of a processor's turn in cycles, where
        several run: 1 is what System/161 does, a thousand and more let each run translated code.
        `network` connects network cards to the hubs that `config` names, which need not run.
        `output` gets what the guest prints as it does, besides the console; `message` what the
        machine itself has to say, a line at a time.

        Raises ImageError, ConfigurationError, DiskImageError or EngineError (all of them
        KsegError), with one line that says what to mend.
        """
        guest = find_guest(kernel)
        text = boot_string(arguments)
        typed = checks.data("input", input)
        how = run_options(engine, monitor, rewriting, pace, progress_timeout, stop_for_debugger)
        if checks.whole("quantum", quantum, most=MOST_QUANTUM) < 1:
            raise ConfigurationError(f"quantum {quantum}: a turn has at least one cycle")
        doom = checks.whole("doom", doom)
        if epoch is not None:
            epoch = checks.whole("epoch", epoch, 0, WORD)
        disks = checks.paths("disks", disks)
        scratch = guest.bundled is not None and config is None and not disks
        configuration = configure(
            config,
            cpus=cpus,
            ram=ram,
            disks=disks,
            scratch_disk=scratch,
            share=share,
            seed=seed,
            overlay=checks.flag("overlay", overlay),
            devices=devices,
        )
        image = read_image(guest.path, System161.byte_order)

        def boot() -> None:
            if scratch:
                from kseg.api.scratch_disk import format_scratch_disk

                format_scratch_disk(self.board)
            self._paced_input.type(typed)
            self.board.load_kernel(image, text, str(guest.path))

        setup = Setup(
            kernel=guest.path,
            configuration=configuration,
            quantum=quantum,
            window=WINDOW if image.in_window else None,
            **how,
        )
        self._assemble(setup, boot, output, message, epoch=epoch, doom=doom)
        if checks.flag("network", network):
            self._connect_network()

    def _connect_network(self) -> None:
        """Let network cards reach their hubs, if there are any."""
        if not any(slot.device == "nic" for slot in self._setup.configuration.slots):
            return
        from kseg.boards.system161.hub import connect

        try:
            connections = connect(self.board)
        except BaseException:
            self.close()
            raise
        self._closing += [connection.close for connection in connections]

    def _assemble(
        self,
        setup: Setup,
        prepare: Callable[[], None],
        output: Callable[[bytes], None] | None,
        message: Callable[[str], None] | None,
        *,
        epoch: int | None = None,
        doom: int = 0,
        like: "Machine | None" = None,
        layer: "Layer | None" = None,
        disks: Mapping[int, Disk] | None = None,
        input_port: InputPort | None = None,
    ) -> None:
        """Put the machine together; `prepare` brings the board to where it begins. What is `like`
        another machine may have in common with it what never changes."""
        output, message = checks.function("output", output), checks.function("message", message)
        self._setup = setup
        self.kernel = setup.kernel
        self.messages: list[str] = []
        """What the machine had to say to its user so far."""
        self.message = message
        """What gets what the machine has to say."""
        self.output = output
        """What gets what the guest prints, besides the console."""
        self._closing: list[Callable[[], None]] = []
        """What else is to be closed with the machine."""
        self.companions: list[Companion] = []
        self.stands = True
        """Whether it stands as its last Stop says: not when an exception, such as one that a signal
        raises, has interrupted `run` (known only with companions)."""
        self.recording: Recording | None = None
        """What writes the machine's log, if anything does."""
        self._surface = surface = Surface(
            setup.monitor,
            System161.profile,
            System161.byte_order,
            setup.engine,
            setup.quantum,
            window=setup.window,
            rewriting=setup.rewriting,
            layer=layer,
        )
        self.board = System161(
            setup.configuration,
            memory=surface.memory,
            console=self._printed,
            message=self._said,
            epoch=None if epoch is None else lambda: epoch,
            doom=doom,
            disks=disks,
            input_port=input_port,
        )
        try:
            self._paced_input = PacedInput(self.board)
            self.console = Console(
                self._paced_input, lambda until, seconds: self.run(until=until, seconds=seconds)
            )
            """What the guest prints, and its keyboard."""
            prepare()
            self.engine: Engine = surface.engine_for(
                self.board, None if like is None else like.engine
            )
            self.monitor = RunLoop(
                self.board,
                self.engine,
                pace=setup.pace,
                progress_timeout=setup.progress_timeout,
                stop_for_debugger=setup.stop_for_debugger,
            )
            self.board.when_reset = self.monitor.state_loaded
        except BaseException:
            self.board.close()
            raise

    def __repr__(self) -> str:
        count = len(self.board.processors)
        return (
            f"<Machine {self.kernel.name}: {count} CPU{'s' if count > 1 else ''},"
            f" {self.board.memory.ram.size >> 10} kB, {self.time:.6f} s>"
        )

    def _printed(self, data: bytes) -> None:
        self._paced_input.printed(data)
        self.console.printed(data)
        if self.output is not None:
            self._tell(self.output, data)

    def _said(self, text: str) -> None:
        self.messages.append(text)
        if self.message is not None:
            self._tell(self.message, text)

    def _tell(self, callback: Callable[[Said], None], what: Said) -> None:
        try:
            callback(what)
        except BaseException as error:
            monitor = self.__dict__.get("monitor")
            if monitor is None or not monitor.running:
                raise
            monitor.fail(error)  # The device that has said this is not at its end.

    # Running.

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
        limit = limit_of(cycles, seconds)
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
                return self.run_to(limit, condition)
            return points.run(limit, condition)

    def step(self, count: int = 1, *, processor: int = 0) -> Stop:
        """Let a processor execute `count` instructions: one that waits for an interrupt waits
        before. Other processors execute what they do meanwhile. The Stop's reason is CYCLE_LIMIT
        when it has executed them, or why the machine has stopped before; KsegError as `run`."""
        from kseg.api.stepping import step

        count = checks.whole("count", count, 0, checks.LATEST)
        with self.board.run_lock:
            return step(self, count, self._number(processor))

    def run_to(self, limit: int | None, condition: Callable[[], bool] | None = None) -> Stop:
        """Run to a cycle, or until a condition holds: for who holds the machine's lock."""
        look = self._paced_input.look

        def check() -> bool:
            look()
            return condition is not None and condition()

        while True:
            stop, goes_on = self._run_on(limit, check)
            pending = self._paced_input.pending
            if not goes_on and (stop.reason is not StopReason.IDLE or not pending):
                return stop

    def _run_on(self, limit: int | None, check: Callable[[], bool]) -> tuple[Stop, bool]:
        """Run to a stop, or to where one of the companions wants to look; whether it was that."""
        if not self.companions:
            return self.monitor.run(until_cycle=limit, until=check), False
        wanted = [each.next_cycle for each in self.companions]
        ends = [cycle for cycle in (limit, *wanted) if cycle is not None]
        self.stands = False
        stop = self.monitor.run(until_cycle=min(ends, default=None), until=check)
        self.stands = True
        for companion in tuple(self.companions):
            stop = companion.attend(stop) or stop
        return stop, stop.reason is StopReason.CYCLE_LIMIT and (
            limit is None or self.engine.clock < limit
        )

    def _condition(
        self, until: Callable[[], bool] | str | re.Pattern[str] | None
    ) -> Callable[[], bool] | None:
        if isinstance(until, str | re.Pattern):
            return Search(self.console, until, len(self.console.output))
        if until is None:
            return None
        # What is remembered of the run begins anew where it is changed: at the end of a run only.
        rest = Rest.SAVED if self.companions else Rest.CHANGED
        return self.board.run_lock.resting(rest, until)

    @property
    def typing(self) -> bool:
        """Whether characters wait until the guest is ready to take them."""
        return self._paced_input.pending > 0

    # Preemption.

    @property
    def preemptions(self) -> list[Preemption]:
        """Timer interrupts to come before their time, in order: see `kseg.machine.preemption`.
        Set it to have others; ArgumentError for a processor that the machine has not."""
        return list(self.board.preemptions)

    @preemptions.setter
    def preemptions(self, plan: Iterable[Preemption]) -> None:
        wanted = checks.several("preemptions", plan, "a list of Preemption")
        if len(wanted) > MOST_PREEMPTIONS:
            raise checks.ArgumentError(f"{len(wanted)} preemptions: at most {MOST_PREEMPTIONS}")
        count = len(self.board.processors)
        for each in wanted:
            if not isinstance(each, Preemption):
                raise checks.wrong("preemptions", each, "a list of Preemption")
            checks.whole("at", each.at, 0, checks.LATEST)
            checks.processor(each.processor, count)
        wanted.sort()
        with self.board.run_lock.at(Rest.CHANGED):
            self.board.preemptions = deque(wanted)

    # State.

    def reset(self) -> None:
        """Back to power-on with the same kernel and boot string, as at the press of a button: time
        goes on, and disks keep what is on them. ConfigurationError where the machine comes from a
        snapshot, which has no kernel."""
        if not self.board.has_kernel:
            raise ConfigurationError(
                "the machine comes from a snapshot, which has no kernel to boot: load the snapshot"
                " once more instead"
            )
        with self.board.run_lock:
            self.board.reset()
            self.monitor.state_loaded()

    @overload
    def save(self) -> System161State: ...

    @overload
    def save(self, path: str | Path, *, base: str | Path | None = None) -> None: ...

    def save(
        self, path: str | Path | None = None, *, base: str | Path | None = None
    ) -> System161State | None:
        """The state of the board as plain data; with a `path`, a snapshot of the whole machine in
        that file instead, which is replaced whole or not at all.

        What a disk image file holds is in neither, nor what `expect` has matched. `base` is a
        snapshot in the same directory: pages that it has are left out. StateError when the file
        cannot be written.
        """
        if base is not None and path is None:
            raise checks.ArgumentError("base: it goes with the path of a snapshot; give both")
        if path is not None:
            path = checks.path("path", path)
        if base is not None:
            base = checks.path("base", base)
        with self.board.run_lock.at(Rest.SAVED):
            if path is None:
                return self.board.save()
            from kseg.api.snapshots import save_machine

            save_machine(self, path, base)
            return None

    def load(self, state: System161State | str | Path) -> None:
        """Become the machine that was saved, in memory or in a file; StateError when this one is
        built differently, when the file is damaged or a disk image has changed since, or while the
        machine is recorded. When it fails after it has begun, the machine must not run on."""
        if self.recording is not None and self.recording.goes_on:
            raise StateError(
                "the machine is being recorded, and a log goes forward in time only; finish the"
                " recording, load, and record into a new log"
            )
        if not isinstance(state, System161State):
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
                self.board.meter.hang_up()
                self.monitor.state_loaded()
            self.board.changed()

    @classmethod
    def from_snapshot(
        cls,
        path: str | Path,
        *,
        engine: str = engines.AUTOMATIC,
        monitor: str | None = None,
        rewriting: bool = True,
        disks: Sequence[str | Path] | str | Path = (),
        share: str | Path | None = None,
        trust: bool = False,
        pace: str = "fast",
        progress_timeout: int = 0,
        stop_for_debugger: bool = False,
        overlay: bool = False,
        output: Callable[[bytes], None] | None = None,
        message: Callable[[str], None] | None = None,
    ) -> "Machine":
        """The machine that a snapshot file describes, where it was.

        `engine` and `monitor` may be others than the snapshot was made with (`monitor` None: the
        same). Files and directories of the host that the machine had are opened only when they
        are given again, `disks` in the order of their slots and `share`, or when the snapshot is
        one to `trust`. With `overlay`, what the machine writes to disk images from now on stays in
        its memory, as it does with that argument of a disk. The other arguments are those of
        `Machine`. Raises StateError when the snapshot is damaged or foreign or a disk image has
        changed, and what `Machine` raises.
        """
        from kseg.api.snapshots import Options, restored_machine

        same = monitors.BARE if monitor is None else monitor
        how = run_options(engine, same, rewriting, pace, progress_timeout, stop_for_debugger)
        options = Options(
            same_monitor=monitor is None,
            disks=checks.paths("disks", disks),
            share=None if share is None else checks.path("share", share),
            trust=checks.flag("trust", trust),
            overlay=checks.flag("overlay", overlay),
            **how,
        )
        return restored_machine(cls, checks.path("path", path), options, output, message)

    def fork(
        self,
        *,
        reseed: int | None = None,
        output: Callable[[bytes], None] | None = None,
        message: Callable[[str], None] | None = None,
    ) -> "Machine":
        """A clone: a machine in the same state, which goes its own way from here on.

        It has its own board, engine and console; on the bare machine its RAM is this one's until
        one of the two writes a page. It writes to no disk image file: what it writes stays in its
        memory, and what this machine writes from now on does not reach it. With `reseed`, a number,
        its random source is seeded anew and its calendar clock put forward by up to a day, as the
        number says. StateError while the machine cannot be saved.
        """
        from kseg.api.forks import fork_machine

        if reseed is not None:
            reseed = checks.whole("reseed", reseed)
        with self.board.run_lock.at(Rest.SAVED):
            return fork_machine(self, reseed, output, message)

    def record(self, path: str | Path) -> "Recording":
        """Write a log of all that happens from here on into a new file, from which `Replay` and
        `kseg replay` repeat it; the Recording's `finish` ends it, and so does `close`. LogError
        when there is such a file already, or the host refuses; a host that refuses later ends the
        recording with a message. StateError while the machine cannot be saved."""
        from kseg.api.recording import Recording

        path = checks.path("path", path)
        with self.board.run_lock:
            return Recording(self, path)

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

    def serve_meter(self, path: str | Path) -> "MeterSocket":
        """Make a socket at which stat161 and test161 read the machine's counters; `start` it before
        the machine runs. It is gone when the machine is closed. As on System/161, a client's
        reports are events, and so the timing of devices is another with one than without.
        KsegError where the socket cannot be made."""
        from kseg.boards.system161.meter_socket import MeterSocket

        path = checks.path("path", path)
        with self.board.run_lock:
            made = MeterSocket(path, self.board.meter)
            self._closing.append(made.close)
            return made

    def close(self) -> None:
        """Give back disk images and their locks; the machine cannot run any more. A second time
        does nothing."""
        lock = self.board.run_lock
        if lock.closed:
            return
        with lock:
            if self.recording is not None:
                self.recording.end()
            lock.close()
            for close in self._closing:
                close()
            self._surface.close()
            self.board.close()

    def __enter__(self) -> "Machine":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()
