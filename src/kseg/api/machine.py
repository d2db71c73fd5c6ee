"""`Machine`: a board, an engine and a monitor, put together and ready to run."""

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, overload

from kseg import engine as engines
from kseg import monitor as monitors
from kseg.api.boards import configure
from kseg.api.console import Console, Search
from kseg.api.guests import find_guest
from kseg.api.setup import Setup
from kseg.api.typist import Typist
from kseg.api.view import View
from kseg.engine.contract import Engine
from kseg.errors import ConfigurationError, KsegError, StateError
from kseg.machine.clock import SECOND
from kseg.machine.configuration import Configuration
from kseg.machine.disk_image import Disk
from kseg.machine.elf import WINDOW, read_image
from kseg.machine.outside import Outside
from kseg.machine.preemption import Preemption
from kseg.machine.system161 import NANOSECONDS_PER_CYCLE, System161, System161State
from kseg.monitor.bare import BareMonitor
from kseg.monitor.single import Surface
from kseg.monitor.stop import Stop, StopReason

if TYPE_CHECKING:
    from kseg.api.recording import Recording
    from kseg.api.travel import TimeTravel
    from kseg.machine.meter_socket import MeterSocket
    from kseg.memory.layer import Layer


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
        seed: int | str | None = None,
        input: str | bytes = b"",  # noqa: A002 - what it is called everywhere else
        pace: str = "fast",
        epoch: int | None = None,
        doom: int = 0,
        progress_timeout: int = 0,
        quantum: int = 1,
        stop_for_debugger: bool = False,
        output: Callable[[bytes], None] | None = None,
        message: Callable[[str], None] | None = None,
    ) -> None:
        """Build the machine and load `kernel`, an ELF file's path or the name of a bundled guest.

        `arguments` is the boot string (several are joined by blanks). `config` is the path of a
        `sys161.conf`; without one the machine has 4 MiB, one processor, console, timer, random
        source and, for a bundled guest, an empty disk in memory. `cpus`, `ram` (bytes, or a text
        such as "8M"), `disks` (image files, or one), `share` (a directory for the emulator file
        system) and `seed` (of the random source, "auto" for a new one) change either.

        `engine` is one of `kseg.engine.CHOICES`; "auto" is the fastest that this host has.
        `monitor` is one of `kseg.monitor.CHOICES`: "bare" is the machine itself; `rewriting` lets
        another one rewrite instructions that trap often. `input` is typed as the guest takes it.
        `pace` "real" lets an idle virtual second last a second.
        `epoch` is the calendar time at power-on, in seconds since 1970 (default: the host's).
        `doom` is the number of disk writes at which the power fails, `progress_timeout` the virtual
        seconds without a user-mode instruction after which a warning comes, and twice which the
        machine stops (0: never). `quantum` is the length of a processor's turn in cycles, where
        several run: 1 is what System/161 does, a thousand and more let each run translated code.
        `output` gets what the guest prints as it does, besides the console; `message` what the
        machine itself has to say, a line at a time.

        Raises ImageError, ConfigurationError, DiskImageError or EngineError (all of them
        KsegError), with one line that says what to mend.
        """
        guest = find_guest(kernel)
        if monitor not in monitors.CHOICES:
            raise ConfigurationError(
                f"monitor {monitor!r}: no such monitor; there are {', '.join(monitors.CHOICES)}"
            )
        scratch = guest.bundled is not None and config is None and not disks
        configuration = configure(
            config,
            cpus=cpus,
            ram=ram,
            disks=disks,
            scratch_disk=scratch,
            share=share,
            seed=seed,
        )
        if engine not in engines.CHOICES:
            raise ConfigurationError(
                f"engine {engine!r}: no such engine; there are {', '.join(engines.CHOICES)}"
            )
        if pace not in ("fast", "real"):
            raise ConfigurationError(f"pace {pace!r}: no such pace; there are fast, real")
        if quantum < 1:
            raise ConfigurationError(f"quantum {quantum}: a turn has at least one cycle")
        image = read_image(guest.path, System161.byte_order)
        text = arguments if isinstance(arguments, str) else " ".join(arguments)

        def boot() -> None:
            if scratch:
                from kseg.api.scratch_disk import format_scratch_disk

                format_scratch_disk(self.board)
            self._typist.type(input.encode() if isinstance(input, str) else input)
            self.board.load_kernel(image, text, str(guest.path))

        setup = Setup(
            kernel=guest.path,
            configuration=configuration,
            monitor=monitor,
            engine=engine,
            quantum=quantum,
            window=WINDOW if image.in_window else None,
            rewriting=rewriting,
            pace=pace,
            progress_timeout=progress_timeout,
            stop_for_debugger=stop_for_debugger,
        )
        self._assemble(setup, boot, output, message, epoch=epoch, doom=doom)

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
        outside: Outside | None = None,
    ) -> None:
        """Put the machine together; `prepare` brings the board to where it begins. What is `like`
        another machine may have in common with it what never changes."""
        self._setup = setup
        self.kernel = setup.kernel
        self.messages: list[str] = []
        """What the machine had to say to its user so far."""
        self.message = message
        """What gets what the machine has to say."""
        self.output = output
        """What gets what the guest prints, besides the console."""
        self._closed = False
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
            outside=outside,
        )
        try:
            self._typist = Typist(self.board)
            self.console = Console(
                self._typist, lambda until, seconds: self.run(until=until, seconds=seconds)
            )
            """What the guest prints, and its keyboard."""
            prepare()
            self.engine: Engine = surface.engine_for(
                self.board, None if like is None else like.engine
            )
            self.monitor = BareMonitor(
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
        self._typist.printed(data)
        self.console.printed(data)
        if self.output is not None:
            self.output(data)

    def _said(self, text: str) -> None:
        self.messages.append(text)
        if self.message is not None:
            self.message(text)

    # Running.

    def run(
        self,
        *,
        until: Callable[[], bool] | str | re.Pattern[str] | None = None,
        cycles: int | None = None,
        seconds: float | None = None,
    ) -> Stop:
        """Let the machine run until it stops by itself, or for so many `cycles` or virtual
        `seconds`, or `until`: a predicate, asked between two events, or text that the guest
        prints from now on (a regular expression if compiled).

        The Stop says why it came back: `stop.reason` is a StopReason, `stop.exit_code` what a
        command line would exit with, or None where the machine could go on.
        """
        if self._closed:
            raise KsegError("the machine is closed; make a new one to run it again")
        limit = None
        if seconds is not None:
            limit = int(seconds * SECOND) // NANOSECONDS_PER_CYCLE
        if cycles is not None:
            limit = cycles if limit is None else min(limit, cycles)
        if limit is not None:
            limit += self.engine.clock
        condition = self._condition(until)
        look = self._typist.look

        def check() -> bool:
            look()
            return condition is not None and condition()

        while True:
            stop, goes_on = self._run(limit, check)
            if not goes_on and (stop.reason is not StopReason.IDLE or not self._typist.pending):
                return stop

    def _run(self, limit: int | None, check: Callable[[], bool]) -> tuple[Stop, bool]:
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
        return until

    @property
    def typing(self) -> bool:
        """Whether characters wait until the guest is ready to take them."""
        return self._typist.pending > 0

    # Preemption.

    @property
    def preemptions(self) -> list[Preemption]:
        """Timer interrupts to come before their time, in order: see `kseg.machine.preemption`.
        Set it to have others; ValueError for a processor that the machine has not."""
        return list(self.board.preemptions)

    @preemptions.setter
    def preemptions(self, plan: Iterable[Preemption]) -> None:
        wanted = sorted(plan)
        count = len(self.board.processors)
        for each in wanted:
            if not 0 <= each.processor < count:
                raise ValueError(f"no processor {each.processor}: the machine has {count}")
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
        if path is None:
            return self.board.save()
        from kseg.api.snapshots import save_machine

        save_machine(self, path, base)
        return None

    def load(self, state: "System161State | str | Path | Any") -> None:
        """Become the machine that was saved, in memory or in a file; StateError when this one is
        built differently, when the file is damaged or a disk image has changed since, or while the
        machine is recorded. When it fails after it has begun, the machine must not run on."""
        if self.recording is not None and self.recording.goes_on:
            raise StateError(
                "the machine is being recorded, and a log goes forward in time only; finish the"
                " recording, load, and record into a new log"
            )
        if isinstance(state, str | Path):
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

        options = Options(
            engine, monitor, rewriting, disks, share, trust, pace, progress_timeout,
            stop_for_debugger, overlay,
        )  # fmt: skip
        return restored_machine(cls, path, options, output, message)

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

        return fork_machine(self, reseed, output, message)

    def record(self, path: str | Path) -> "Recording":
        """Write a log of all that happens from here on into a new file, from which `Replay` and
        `kseg replay` repeat it; the Recording's `finish` ends it, and so does `close`. LogError
        when there is such a file already, or the host refuses; a host that refuses later ends the
        recording with a message. StateError while the machine cannot be saved."""
        from kseg.api.recording import Recording

        return Recording(self, path)

    def travel(self, *, memory: int | None = None) -> "TimeTravel":
        """Remember from here on what happens, so that any moment can be visited again: see
        `TimeTravel`. While the machine is recorded, all moments of the recording can. `memory` is
        what checkpoints may take, in bytes (default: 256 MiB). StateError while the machine cannot
        be saved."""
        from kseg.api.travel import travel_live

        return travel_live(self, memory)

    def serve_meter(self, path: str | Path) -> "MeterSocket":
        """Make a socket at which stat161 and test161 read the machine's counters; `start` it before
        the machine runs. It is gone when the machine is closed. As on System/161, a client's
        reports are events, and so the timing of devices is another with one than without.
        KsegError where the socket cannot be made."""
        from kseg.machine.meter_socket import MeterSocket

        made = MeterSocket(path, self.board.meter)
        self._closing.append(made.close)
        return made

    def close(self) -> None:
        """Give back disk images and their locks; the machine cannot run any more."""
        if self.recording is not None and not self._closed:
            self.recording.finish()
        self._closed = True
        for close in self._closing:
            close()
        self._surface.close()
        self.board.close()

    def __enter__(self) -> "Machine":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()
