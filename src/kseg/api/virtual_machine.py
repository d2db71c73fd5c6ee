"""What can be done with a virtual machine, whatever lets it run: one by itself (`machine`), or a
guest of a host (`host_guest`)."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, overload

from kseg import checks
from kseg.api.assembly import Assembly, Setup, Source
from kseg.api.console import Search
from kseg.api.options import limit_of
from kseg.api.view import View
from kseg.errors import ConfigurationError
from kseg.machine.board_state import MOST_PREEMPTIONS, BoardState
from kseg.machine.preemption import Preemption
from kseg.machine.run_lock import RunLock, Safepoint
from kseg.monitor.stop import Stop

if TYPE_CHECKING:
    from kseg.api.machine import Machine
    from kseg.api.points import Addresses, Watched
    from kseg.api.recording import Recording
    from kseg.api.travel import TimeTravel
    from kseg.monitor.contract import Placement
    from kseg.profile.samples import Profile

Message = TypeVar("Message")


class VirtualMachine(View, ABC):
    """A machine that is about to run. Implements `kseg.api.assembly.Owner`."""

    def __init__(
        self,
        setup: Setup,
        source: Source,
        output: Callable[[bytes], None] | None = None,
        message: Callable[[str], None] | None = None,
        *,
        placement: "Placement | None" = None,
        lock: RunLock | None = None,
    ) -> None:
        """Put it together: see `Assembly`. `output` gets what the guest prints as it does, besides
        the console; `message` what the machine itself has to say, a line at a time."""
        self.output = checks.function("output", output)
        """What gets what the guest prints, besides the console."""
        self.message = checks.function("message", message)
        """What gets what the machine has to say."""
        self.messages: list[str] = []
        """What the machine had to say to its user so far."""
        self.recording: Recording | None = None
        """What writes the machine's log, if anything does."""
        super().__init__(Assembly(setup, source, self, placement=placement, lock=lock))

    # What it tells.

    def printed(self, data: bytes) -> None:
        """The guest has printed something."""
        if self.output is not None:
            self.tell(self.output, data)

    def said(self, text: str) -> None:
        """The machine has something to say."""
        self.messages.append(text)
        if self.message is not None:
            self.tell(self.message, text)

    @abstractmethod
    def sibling(
        self,
        setup: Setup,
        source: Source,
        output: Callable[[bytes], None] | None = None,
        message: Callable[[str], None] | None = None,
    ) -> "Machine":
        """A machine by itself, put together from these: a clone, or one that visits the past."""
        ...

    @abstractmethod
    def tell(self, callback: Callable[[Message], None], what: Message) -> None:
        """Call a callback of the user's when that can be done."""

    @abstractmethod
    def wake(self) -> None:
        """Input has come, and it may be asleep; any thread may say so."""

    @abstractmethod
    def run_for(self, until: Callable[[], bool], seconds: float | None) -> Stop:
        """Let it run until a predicate holds, for so many virtual seconds, or until it waits for
        input for ever."""

    @abstractmethod
    def run_to(self, limit: int | None, condition: Callable[[], bool] | None = None) -> Stop:
        """Let it run to a cycle, or until a condition holds: for the holder of its lock."""

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

    @property
    def typing(self) -> bool:
        """Whether characters wait until the guest is ready to take them."""
        return self.paced_input.pending > 0

    def check_present(self) -> None:
        """Raise KsegError where nothing is left of it, but what is known of it."""

    # Preemption.

    @property
    def preemptions(self) -> list[Preemption]:
        """Timer interrupts to come before their time, in order: see `kseg.machine.preemption`.
        Set it to have others; ArgumentError for a processor that the machine has not."""
        return list(self.board.state.preemptions)

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
        with self.board.run_lock.at(Safepoint.CHANGEABLE):
            self.board.state.preemptions = wanted

    # State.

    def reset(self) -> None:
        """Back to power-on with the same kernel and boot string, as at the press of a button: time
        goes on, and disks keep what is on them. ConfigurationError where the machine comes from a
        snapshot, which has no kernel."""
        with self.board.run_lock.at(Safepoint.SLICE):
            self.check_present()
            if self.board.kernel is None:
                raise ConfigurationError(
                    "the machine comes from a snapshot, which has no kernel to boot: load the"
                    " snapshot once more instead"
                )
            self.board.reset()
        self.wake()

    @overload
    def save(self) -> BoardState: ...

    @overload
    def save(self, path: str | Path, *, base: str | Path | None = None) -> None: ...

    def save(
        self, path: str | Path | None = None, *, base: str | Path | None = None
    ) -> BoardState | None:
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
        with self.board.run_lock.at(Safepoint.SAVABLE):
            self.check_present()
            if path is None:
                return self.board.save()
            from kseg.api.snapshots import save_machine

            save_machine(self, path, base)
            return None

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
        with self.board.run_lock.at(Safepoint.SAVABLE):
            self.check_present()
            return fork_machine(self, reseed, output, message)

    def record(self, path: str | Path) -> "Recording":
        """Write a log of all that happens from here on into a new file, from which `Replay` and
        `kseg replay` repeat it; the Recording's `finish` ends it, and so does `close`. LogError
        when there is such a file already, or the host refuses; a host that refuses later ends the
        recording with a message. StateError while the machine cannot be saved."""
        from kseg.api.recording import Recording

        path = checks.path("path", path)
        with self.board.run_lock:
            self.check_present()
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
            self.check_present()
            return travel_live(self, memory)
