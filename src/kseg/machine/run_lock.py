"""One thread at a time uses a machine, and nothing that the machine calls uses it from within.

Native code runs without the interpreter's lock (the GIL), on processors and memory that any other
thread could reach meanwhile. Waiting for one's turn would hide a mistake in a program, and
dead-lock in a callback; so the second thread gets an error.
"""

import threading
from collections.abc import Callable
from threading import get_ident
from typing import TypeVar

from kseg.errors import KsegError

Answer = TypeVar("Answer")


class InUseError(KsegError):
    """The machine is being used: by another thread, or by what this is called from."""


class Safepoint:
    """A safepoint: how far a machine that runs can be used by a callback that it calls there."""

    NONE = 0
    """None: it is in the middle of something, such as an instruction that prints a character."""
    SAVABLE = 1
    """It stands between two bursts: it can be saved and cloned."""
    CHANGEABLE = 2
    """In addition, no observer has to know when: its memory and registers can be changed."""
    SLICE = 3
    """A host stands between two slices of its guests: they can be reset, ended and added."""


class RunLock:
    """Held while a machine, or a host with its guests, runs or is saved, loaded or changed.

    `with lock:` for what needs the machine for itself, `with lock.at(Safepoint.SAVABLE):` for what
    a callback of that kind may do, too. InUseError where it is in use, KsegError when it is closed.
    """

    def __init__(self, what: str = "machine") -> None:
        """`what` is what messages call it."""
        self._what = what
        self._lock = threading.Lock()
        self._thread = 0
        """Its holder, as `threading.get_ident` says."""
        self._safepoint: int = Safepoint.NONE
        self._nested = 0
        self._closed = False
        self._within = [_Within(self, safepoint) for safepoint in range(Safepoint.SLICE + 1)]

    def __enter__(self) -> None:
        if self._closed:
            raise KsegError(f"the {self._what} is closed; make a new one to run it again")
        if not self._lock.acquire(blocking=False):
            raise InUseError(self._reason())
        self._thread = get_ident()

    def __exit__(self, *_exception: object) -> None:
        self._thread = 0
        self._lock.release()

    def at(self, safepoint: int) -> "_Within":
        """To hold it, also from within a callback that comes at such a safepoint."""
        return self._within[safepoint]

    def at_safepoint(self, safepoint: int, callback: Callable[[], Answer]) -> Callable[[], Answer]:
        """The same callback, which may use the machine as far as `safepoint` says."""

        def call() -> Answer:
            before, self._safepoint = self._safepoint, safepoint
            try:
                return callback()
            finally:
                self._safepoint = before

        return call

    def check(self) -> None:
        """Raise what holding it would."""
        with self:
            pass

    def check_thread(self) -> None:
        """Raise InUseError where another thread holds it."""
        if self._thread not in (0, get_ident()):
            raise InUseError(self._reason())

    def close(self) -> None:
        """It cannot be held any more. For its holder."""
        self._closed = True

    @property
    def closed(self) -> bool:
        """Whether it is."""
        return self._closed

    def _may(self, safepoint: int) -> bool:
        """Whether this is a callback that may do what needs such a safepoint."""
        return self._thread == get_ident() and self._safepoint >= safepoint

    def _reason(self) -> str:
        holder = self._thread
        if holder in (0, get_ident()):
            return (
                f"the {self._what} is in the middle of a run, from which this is called: a callback"
                " can look at it; do this when the run has returned"
            )
        names = [each.name for each in threading.enumerate() if each.ident == holder]
        name = f", {names[0]}" if names else ""
        return f"the {self._what} is in use in another thread{name}: use it in one at a time"


class _Within:
    """The lock, as callbacks may take it."""

    def __init__(self, lock: RunLock, safepoint: int) -> None:
        self._lock, self._safepoint = lock, safepoint

    def __enter__(self) -> None:
        if self._lock._may(self._safepoint):
            self._lock._nested += 1
        else:
            self._lock.__enter__()

    def __exit__(self, *_exception: object) -> None:
        if self._lock._nested:
            self._lock._nested -= 1
        else:
            self._lock.__exit__()
