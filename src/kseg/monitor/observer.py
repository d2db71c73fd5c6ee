"""Observers: all that takes part in a machine's run and is not the machine.

What types for the user, checks a replay, records, keeps checkpoints, saves, samples, traces,
watches, talks to the user or stops the run when a condition holds: each is an `Observer` in the one
list of the run loop (`kseg.monitor.run_loop.RunLoop.observers`). It overrides the methods that it
needs; the others cost nothing.

No observer changes what the machine does: where a run is cut into pieces, and what looks, leaves
every cycle as it is. Input goes through the input port, as ever.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from enum import IntEnum
from typing import Any, ClassVar

from kseg.engine.contract import Engine
from kseg.monitor.stop import Stop, StopReason

RUN_ON = Stop(StopReason.CYCLE_LIMIT)
"""What an observer makes of a Stop after which the machine is to run on: before the cycle that the
run was given, this is no end of it."""


class Order(IntEnum):
    """Where an observer stands in the list: lower ones are called first, and those of one order in
    the order in which they were added. So a later one is given what earlier ones have made of a
    Stop."""

    VERIFY = 0
    """It holds the run against another one: before anything is kept of a run that went astray."""
    RECORD = 1
    """It writes down what the machine does, as the machine has done it."""
    INPUT = 2
    """It gives the machine what it waits for."""
    WATCH = 3
    """It looks at the machine."""
    USER = 4
    """It speaks for the user: what a Stop means to those before it must be settled."""


class Observer:
    """Takes part in a machine's run. All methods are called in the thread that runs the machine.

    Where the machine *stands* (`stopped`, `between_bursts`), an observer may look at it, save and
    fork it (`kseg.machine.run_lock.Safepoint.SAVABLE`), and add and remove observers, itself
    included; elsewhere it may only look. What it raises ends the run: the machine stands as it did,
    and can run on. What `printed` and `said` raise in the middle of what a device does comes out of
    the run as soon as the machine stands.
    """

    order: ClassVar[Order] = Order.WATCH
    every_burst: ClassVar[bool] = False
    """Whether `between_bursts` is to be called after every burst of the board; otherwise those in
    which nothing happens may run as one (docs/decisions/uneventful-bursts.md)."""

    @property
    def next_cycle(self) -> int | None:
        """The cycle of the engine's clock at which the machine is to stand next, on this observer's
        account: it is asked each time the machine starts. None where that does not matter."""
        return None

    def starts(self) -> None:
        """The machine runs from here, until `stopped`: unless an exception comes out of the run."""

    def between_bursts(self) -> Stop | None:
        """The board is between two bursts, and another is about to begin: a Stop ends the run."""
        return None

    def stopped(self, stop: Stop) -> Stop | None:  # noqa: ARG002
        """The machine stands, because of `stop`, which is CYCLE_LIMIT at an observer's
        `next_cycle`; a Stop that is returned counts instead. After CYCLE_LIMIT it runs on (see
        `RUN_ON`), if that was not the limit of the run."""
        return None

    def all_wait(self) -> None:
        """Every processor waits: time is about to jump to what comes next."""

    def before_sleep(self) -> None:
        """The host is about to sleep until something comes in, or idle time has passed."""

    def records_wait(self) -> None:
        """The engine's trace records are to be taken: there is no more room for them, or time has
        jumped, so that cycles and virtual time no longer go together as before."""

    def state_loaded(self) -> None:
        """The machine is in another state, perhaps on another engine: a state was loaded, it was
        reset, or put somewhere else in its past."""

    def edited(self) -> None:
        """The machine is not what its past has made of it any more: its memory or registers were
        edited, or it was reset or loaded by its user."""

    def printed(self, data: bytes) -> None:
        """The guest prints this; the machine is in the middle of an instruction."""

    def said(self, text: str) -> None:
        """The machine itself has something to say: a line."""

    def closing(self) -> None:
        """The machine will not run any more; it stands as it did last."""


class Condition(Observer):
    """Ends a run where a predicate holds, which is asked between two bursts."""

    order = Order.USER

    def __init__(self, holds: Callable[[], bool]) -> None:
        self._holds = holds

    def between_bursts(self) -> Stop | None:
        return MET if self._holds() else None


MET = Stop(StopReason.CONDITION)
"""How a run ends in which a Condition holds."""


class CycleLimit(Observer):
    """Ends a run at a cycle of the machine, whatever lets it run."""

    order = Order.USER

    def __init__(self, engine: Engine, limit: int | None) -> None:
        self._engine, self._limit = engine, limit

    @property
    def next_cycle(self) -> int | None:
        return self._limit

    @property
    def reached(self) -> bool:
        """Whether the machine is there."""
        return self._limit is not None and self._engine.clock >= self._limit

    def stopped(self, stop: Stop) -> Stop | None:
        return _REACHED if stop.reason is StopReason.CYCLE_LIMIT and self.reached else None


_REACHED = Stop(StopReason.CONDITION)


class Edits(Observer):
    """Says when the machine is not what its past has made of it any more."""

    order = Order.RECORD

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell

    def edited(self) -> None:
        self._tell()


class Observers:
    """The observers of a machine, in order, and how they are called: a list that is itself like an
    observer. What none overrides costs an empty loop."""

    def __init__(self) -> None:
        self._all: tuple[Observer, ...] = ()
        self.rearranged: Callable[[], None] = lambda: None
        """Called when there are others: a run that is under way has another `next_cycle`."""
        self.fail: Callable[[BaseException], None] | None = None
        """Takes what `printed` and `said` raise while the machine runs; None while it stands."""
        self._arrange(())

    def __iter__(self) -> Iterator[Observer]:
        return iter(self._all)

    def __contains__(self, observer: Observer) -> bool:
        return observer in self._all

    def add(self, observer: Observer) -> None:
        """One more from now on, behind the others of its order."""
        self._arrange(sorted((*self._all, observer), key=lambda each: each.order))

    def remove(self, observer: Observer) -> None:
        """It is called no more; nothing if it is not there."""
        self._arrange(each for each in self._all if each is not observer)

    @contextmanager
    def added(self, observer: Observer) -> Iterator[None]:
        """One more for a while."""
        self.add(observer)
        try:
            yield
        finally:
            self.remove(observer)

    def _arrange(self, observers: "Iterator[Observer] | list[Observer] | tuple[()]") -> None:
        self._all = tuple(observers)
        self._scheduled = [each for each in self._all if _overrides(each, "next_cycle")]
        self.every_burst = any(each.every_burst for each in self._all)
        self.remember = bool(self._hooks("edited"))
        """Whether an observer has to know when the machine is edited."""
        self._starts = self._hooks("starts")
        self._between_bursts = self._hooks("between_bursts")
        self._stopped = self._hooks("stopped")
        self._all_wait = self._hooks("all_wait")
        self._records_wait = self._hooks("records_wait")
        self._printed = self._hooks("printed")
        self._said = self._hooks("said")
        self.rearranged()

    def _hooks(self, name: str) -> tuple[Callable[..., Any], ...]:
        return tuple(getattr(each, name) for each in self._all if _overrides(each, name))

    @property
    def next_cycle(self) -> int | None:
        """The first of theirs."""
        wanted = (each.next_cycle for each in self._scheduled)
        return min((cycle for cycle in wanted if cycle is not None), default=None)

    def starts(self) -> None:
        for hook in self._starts:
            hook()

    def between_bursts(self) -> Stop | None:
        """The first Stop; those behind are not asked then."""
        for hook in self._between_bursts:
            stop: Stop | None = hook()
            if stop is not None:
                return stop
        return None

    def stopped(self, stop: Stop) -> Stop:
        """What they make of it, one after the other."""
        for hook in self._stopped:
            stop = hook(stop) or stop
        return stop

    def all_wait(self) -> None:
        for hook in self._all_wait:
            hook()

    def before_sleep(self) -> None:
        for hook in self._hooks("before_sleep"):
            hook()

    def records_wait(self) -> None:
        for hook in self._records_wait:
            hook()

    def state_loaded(self) -> None:
        for hook in self._hooks("state_loaded"):
            hook()

    def edited(self) -> None:
        for hook in self._hooks("edited"):
            hook()

    def printed(self, data: bytes) -> None:
        for hook in self._printed:
            self._tell(hook, data)

    def said(self, text: str) -> None:
        for hook in self._said:
            self._tell(hook, text)

    def _tell(self, hook: Callable[[Any], None], what: bytes | str) -> None:
        try:
            hook(what)
        except BaseException as error:
            if self.fail is None:
                raise
            self.fail(error)  # The device that has said this is not at its end.

    def closing(self) -> None:
        """All are told, also where one raises."""
        with ExitStack() as stack:
            for hook in reversed(self._hooks("closing")):
                stack.callback(hook)


def _overrides(observer: Observer, name: str) -> bool:
    return getattr(type(observer), name) is not getattr(Observer, name)
