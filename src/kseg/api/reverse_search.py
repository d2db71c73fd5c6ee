"""Searching a stretch of a run for the last moment at which the machine would have stopped."""

from collections.abc import Callable
from typing import NamedTuple

from kseg.api import points
from kseg.api.replay_cursor import ReplayCursor
from kseg.engine.contract import Watchpoint
from kseg.monitor.observer import RUN_ON, Observer, Order
from kseg.monitor.stop import STOPS_TO_STAND_AT, Stop, StopReason

STOPS = (*STOPS_TO_STAND_AT, StopReason.BREAK)
"""Stops at which a debugger has something to look at."""


class Search(NamedTuple):
    """What is looked for on the way back; see `TimeTravel.run_back`."""

    breakpoints: tuple[int, ...]
    watchpoints: tuple[Watchpoint, ...]
    interrupted: Callable[[], bool]
    wanted: Callable[[int, Stop], bool]
    before: int


class Stretch(Observer):
    """Passes the stops of a stretch of the run, and finds the last one that is looked for; or
    stands at that with a number."""

    order = Order.USER

    def __init__(self, cursor: ReplayCursor, search: Search, number: int | None) -> None:
        self.last: Stop | None = None
        self.number = 0
        """Of the last one, among all stops."""
        self.interrupted = False
        self._cursor, self._search, self._end = cursor, search, number
        self._stops_on_break = cursor.machine.engine.stop_on_break
        self._count = 0

    def stopped(self, stop: Stop) -> Stop | None:
        machine, search = self._cursor.machine, self._search
        moment = points.moment(machine)
        machine.engine.stop_on_break = self._stops_on_break
        if moment >= search.before:
            return _OVER
        self._cursor.is_astray = stop.reason in STOPS
        if stop.reason not in STOPS:
            return RUN_ON if stop.reason is StopReason.INTERRUPTED else None
        self.interrupted = search.interrupted()
        number, self._count = self._count, self._count + 1
        if self.interrupted or number == self._end:
            return _OVER
        if self._end is None and search.wanted(moment, stop):
            self.last, self.number = stop, number
        if stop.reason is StopReason.FATAL:
            return None
        # The machine would stop there again.
        machine.engine.stop_on_break = self._stops_on_break and stop.reason is not StopReason.BREAK
        return RUN_ON


_OVER = Stop(StopReason.CONDITION)
"""How a stretch ends before its last cycle."""
