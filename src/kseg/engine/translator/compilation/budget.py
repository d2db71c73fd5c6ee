"""What the compiler may cost: a share of the processor time that this process itself has used.

All machines of a process, and their compilers, have one account: whether there is time for the
compiler is a question about the whole. What the guest does is the same, whatever the answer.
"""

import os
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kseg.platform.processes import Process

FIRST = 0.1
"""Seconds that there must be before a compiler is started. So with the usual share, a machine that
has used less than a second starts none, unless the account of all runs pays for it."""
START = 0.12
"""Seconds that a compiler's start takes, as far as can be expected."""
TRANSLATION, INSTRUCTION = 0.02, 0.0011
"""The same of each translation, and in addition for each guest instruction in it."""
BEGINNING = 0.4
"""Seconds that a compiler may use in any case once it has been started."""
FEWEST = 120
"""Guest instructions that a translation may have at least, if it is to be any good."""


class Spending:
    """The processor time of processes that this one has started."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._running: dict[Process, float] = {}
        self._ended = 0.0

    def add(self, process: "Process") -> None:
        """Count this one, too."""
        self._disown()
        self._running[process] = 0.0

    @property
    def seconds(self) -> float:
        """Until now; for those that have ended, until the last `note`."""
        self.note()
        return self._ended + sum(self._running.values())

    def note(self) -> None:
        """Look what they have used. Whoever waits for the end of one does so before."""
        self._disown()
        if not self._running:
            return
        from kseg.platform import processes  # which takes longer to import than all the rest here

        for process, before in list(self._running.items()):
            now = processes.time_used(process)
            if now is None:
                self._ended += self._running.pop(process, before)
            else:
                self._running[process] = now

    def _disown(self) -> None:
        """In a copy of the process that started them, they are not its own."""
        if self._owner != os.getpid():
            self._owner = os.getpid()
            self._running, self._ended = {}, 0.0


compilers = Spending()
"""Of all compilers of this process's machines."""


class Budget:
    """Of one machine's compiler."""

    def __init__(self, share: float) -> None:
        """`share` is the compiler's, of the processor time that this process uses itself."""
        self._share = share

    def instructions(self, pending: Iterable[int], granted: float = 0.0) -> int:
        """How many guest instructions the next translation may have; 0: there is no time for one.
        `pending` are the sizes of those that have been asked for; so many seconds are `granted` in
        any case."""
        there_is = self._share * time.process_time()
        if there_is < FIRST and not granted:
            return 0
        used = compilers.seconds
        used += max(START - used, 0) + self.owed(pending)
        left = max(there_is, granted or BEGINNING) - used
        most = int((left - TRANSLATION) / INSTRUCTION)
        return most if most >= FEWEST else 0

    @staticmethod
    def owed(pending: Iterable[int]) -> float:
        """The seconds that those which have been asked for will take."""
        return sum(TRANSLATION + INSTRUCTION * size for size in pending)
