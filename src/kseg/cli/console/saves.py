"""Scheduled snapshots of `kseg run` and `kseg host`: at given cycles, or with a key."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from kseg.errors import KsegError, StateError
from kseg.monitor.observer import Observer
from kseg.monitor.stop import Stop, StopReason

if TYPE_CHECKING:
    from kseg.api.virtual_machine import VirtualMachine


class Saves(Observer):
    """What is to be saved when, and where."""

    def __init__(
        self,
        machine: "VirtualMachine",
        wanted: Sequence[tuple[int, str]],
        base: str | None,
        say: Callable[[str], None],
    ) -> None:
        """`wanted` are cycles, in order, and files; `base` is the snapshot below all of them;
        `say` tells the user. KsegError when one lies in the past, or when the base cannot be
        read."""
        self._machine, self._say, self._base = machine, say, base
        self._wanted = deque(wanted)
        if base is not None:
            from kseg.history.files import open_snapshot

            open_snapshot(base)  # An error at the end of a long run would be late.
        if self._wanted and self._wanted[0][0] < machine.cycles:
            cycle, file = self._wanted[0]
            raise KsegError(
                f"--save-at {cycle}:{file}: the machine is at cycle {machine.cycles} already"
            )

    @property
    def next_cycle(self) -> int | None:
        """When the next one is to be made; None: never."""
        return self._wanted[0][0] if self._wanted else None

    def stopped(self, stop: Stop) -> None:
        if stop.reason is StopReason.CYCLE_LIMIT:
            self.save_due()

    def save_due(self) -> None:
        """Make those that are due now; StateError when one cannot be written."""
        while self._wanted and self._wanted[0][0] <= self._machine.cycles:
            self._save(self._wanted.popleft()[1])

    def save_here(self, name: str) -> None:
        """Make one now, in a file whose name begins so and says when it was. What goes wrong
        is said, and the machine runs on."""
        from kseg.api.snapshots import SUFFIX

        try:
            self._save(f"{name}-{self._machine.cycles}{SUFFIX}")
        except StateError as error:
            self._say(str(error))

    def _save(self, file: str) -> None:
        if self._base is None:
            self._machine.save(file)
        else:
            self._machine.save(file, base=self._base)
        if self._machine.recording is not None:
            self._machine.recording.mark(f"snapshot {file}")
        self._say(f"saved at cycle {self._machine.cycles}: {file}")

    def say_what_is_left(self) -> None:
        """At the end: cycles that did not come."""
        for cycle, file in self._wanted:
            self._say(f"not saved: {file}; the machine did not come to cycle {cycle}")
