"""The list of a machine's observers, and some that serve many: conditions, limits, edits."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from kseg.engine.contract import Engine
from kseg.monitor.burst_loop import NEVER, Look
from kseg.monitor.observer import Observer, Order
from kseg.monitor.stop import Stop, StopReason


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
        self.each_character = any(each.each_character for each in self._all)
        self._looking = [each for each in self._all if _overrides(each, "between_bursts")]
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
        first = None
        for each in self._scheduled:
            cycle = each.next_cycle
            if cycle is not None and (first is None or cycle < first):
                first = cycle
        return first

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

    def looks(self, *, but_for: Order | None = None) -> tuple[Look, int]:
        """When they look at the machine between two bursts, and at which virtual time at the
        latest: all, or those that are not of this order."""
        looks, at = Look.OFTEN, NEVER
        for each in self._looking:
            if each.order is not but_for:
                looks |= each.looks
                at = min(at, each.look_at)
        if self._all_wait or self._records_wait:
            looks |= Look.IDLE
        return looks, at

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
