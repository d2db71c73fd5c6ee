"""What a debugger is attached to: one machine, or all guests of a host (`host_target`)."""

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple, Protocol

from kseg.debug.inferior import Inferior
from kseg.debug.machine import Machine
from kseg.monitor.bare import Stop


class Ending(NamedTuple):
    """A machine of many runs no more."""

    inferior: Inferior
    exit_code: int | None
    """None where it was switched off from outside."""


class Target(Protocol):
    """Machines that run and stand together. At most one thread uses it, but for `interrupt`."""

    several: bool
    """Whether there can be more than one, which the debugger then tells apart."""

    @property
    def inferiors(self) -> Sequence[Inferior]:
        """Those that have not come to their end, by their numbers."""
        ...

    def run(self, *, until: Callable[[], bool], cycles: int | None = None) -> Stop:
        """Let those run that may (`let_run`), until `until` says so, for so many cycles or until
        one of them stops."""
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


class RunnableMachine(Machine, Protocol):
    """`kseg.Machine`: one that nobody else runs."""

    def run(
        self, *, until: Callable[[], bool] | None = None, cycles: int | None = None
    ) -> Stop: ...


class OneMachine:
    """A machine by itself. Implements `Target`."""

    several = False

    def __init__(self, machine: RunnableMachine) -> None:
        self._machine = machine
        self._inferior = Inferior(1, "", machine)

    @property
    def inferiors(self) -> Sequence[Inferior]:
        return [self._inferior]

    def run(self, *, until: Callable[[], bool], cycles: int | None = None) -> Stop:
        return self._machine.run(until=until, cycles=cycles)

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
        return self._machine.monitor.wait_for_input

    def interrupt(self) -> None:
        self._machine.monitor.interrupt()

    def host_stood_still(self) -> None:
        self._machine.monitor.host_stood_still()
