"""What a debugger is attached to: one machine, or all guests of a host (`host_target`)."""

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple, Protocol

from kseg.api.machine import Machine
from kseg.api.travel import TimeTravel
from kseg.errors import KsegError
from kseg.gdb.inferior import Inferior
from kseg.monitor.stop import Stop


class Ending(NamedTuple):
    """A machine of many runs no more."""

    inferior: Inferior
    exit_code: int | None
    """None where its user switched it off."""


class Target(Protocol):
    """Machines that run and stand together. At most one thread uses it, but for `interrupt`."""

    several: bool
    """Whether there can be more than one, which the debugger then tells apart."""

    history: TimeTravel | None
    """The past of what is debugged, while there is a debugger; None where it cannot be visited."""
    remembers: bool
    """Whether there is a history when there is a debugger."""

    @property
    def inferiors(self) -> Sequence[Inferior]:
        """Those that have not come to their end, by their numbers."""
        ...

    def run(self, *, until: Callable[[], bool], cycles: int | None = None) -> Stop:
        """Let those run that may (`let_run`), until `until` says so, for so many cycles or until
        one of them stops."""
        ...

    def watched(self, watched: bool) -> None:
        """A debugger has come, or gone."""
        ...

    def let_run(self, chosen: Collection[Inferior]) -> None:
        """From now on these run when the target does, and those that are not attached."""
        ...

    def stopped(self, stop: Stop) -> Inferior | None:
        """Which one the target has just stopped for; None where it was for none of them."""
        ...

    def end(self, inferior: Inferior, stop: Stop) -> Stop | None:
        """A machine comes to its end; returns what is the target's, if that has come to it."""
        ...

    def take_endings(self) -> list[Ending]:
        """Which have come to their ends since the last time, the rest of the target living on."""
        ...

    @property
    def waits_for_input(self) -> bool:
        """Whether `run` sleeps where only input can make a difference, instead of coming back."""
        ...

    def interrupt(self) -> None:
        """Make `run` come back soon: from any thread."""
        ...

    def host_stood_still(self) -> None:
        """Real time that has passed is not to be caught up on."""
        ...


class OneMachine:
    """A machine by itself. Implements `Target`."""

    several = False

    def __init__(self, machine: Machine, remember: Callable[[], TimeTravel] | None = None) -> None:
        """`remember` begins the machine's history, or raises KsegError."""
        self._machine = machine
        self._inferior = Inferior(1, "", machine)
        self._remember = remember
        self.remembers = remember is not None
        self.history: TimeTravel | None = None

    @property
    def inferiors(self) -> Sequence[Inferior]:
        return [self._inferior]

    def run(self, *, until: Callable[[], bool], cycles: int | None = None) -> Stop:
        if self.history is None:
            return self._machine.run(until=until, cycles=cycles)
        stop = self.history.run(until=until, cycles=cycles)
        self._inferior.machine = self.history.machine
        return stop

    def watched(self, watched: bool) -> None:
        if self.history is not None and not watched:
            self.history.close()
            self.history, self._inferior.machine = None, self._machine
            # It may have been in the past when the debugger left.
            self._inferior.detach()
        elif self.history is None and watched and self._remember is not None:
            try:
                self.history = self._remember()
            except KsegError:
                # In the middle of a cycle, say: then this debugger only goes forward.
                return

    def let_run(self, chosen: Collection[Inferior]) -> None:
        """It runs whenever something does."""

    def stopped(self, stop: Stop) -> Inferior | None:  # noqa: ARG002
        return self._inferior

    def end(self, inferior: Inferior, stop: Stop) -> Stop | None:  # noqa: ARG002
        return stop

    def take_endings(self) -> list[Ending]:
        return []

    @property
    def waits_for_input(self) -> bool:
        return self._machine.monitor.idling.wait_for_input

    def interrupt(self) -> None:
        self._machine.monitor.interrupt()

    def host_stood_still(self) -> None:
        self._machine.monitor.idling.host_stood_still()
