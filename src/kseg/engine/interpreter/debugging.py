"""What the interpreter offers to debuggers: see `kseg.engine.contract.Debuggable`."""

import ctypes
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet

from kseg.engine.contract import Exit, ExitReason, Watchpoint
from kseg.engine.debugging import checked_breakpoints, checked_watchpoints
from kseg.engine.interpreter.layout import (
    ENTRIES,
    LATCH_NONE,
    LOAD,
    PAGE,
    PASSING_BREAKPOINT,
    PASSING_WATCHPOINT,
    STORE,
    Context,
    Shared,
    WatchpointEntry,
)

NOWHERE = 1
"""No instruction has this address."""

DEBUGGING = (ExitReason.BREAKPOINT, ExitReason.WATCHPOINT)
"""The exits that are for debuggers."""


_PASSING = {
    ExitReason.BREAKPOINT: PASSING_BREAKPOINT,
    ExitReason.WATCHPOINT: PASSING_WATCHPOINT,
}


class Debugging:
    """The part of an `Engine` that is for debuggers; the rest is the interpreter's."""

    _shared: Shared
    _contexts: list[Context]
    _changed: Callable[[int, int], None]
    _entry_changed: Callable[[int, int], None]
    _page_count: int
    _breakpoints: frozenset[int] = frozenset()
    _places: AbstractSet[int] = frozenset()
    """Of the breakpoints: the number of the instruction in its page."""
    _watchpoints: frozenset[Watchpoint] = frozenset()

    def set_breakpoints(self, addresses: Iterable[int]) -> None:
        wanted = checked_breakpoints(addresses)
        if wanted == self._breakpoints:
            return
        self._breakpoints = wanted
        shared = self._shared
        self._breakpoint_array = (ctypes.c_uint32 * len(wanted))(*sorted(wanted))
        shared.breakpoints = ctypes.addressof(self._breakpoint_array)
        shared.breakpoint_count = len(wanted)
        places = {address % PAGE // 4 for address in wanted}
        changed, self._places = places ^ self._places, places
        for place in changed:
            shared.breakpoint_places[place // 64] ^= 1 << place % 64
        if changed:
            context = ctypes.addressof(self._contexts[0])
            for number in self._code_pages():
                for place in changed:
                    self._entry_changed(context, number * ENTRIES + place)

    def _decode_anew(self) -> None:
        """Every entry takes note of what has changed."""
        context = ctypes.addressof(self._contexts[0])
        for number in self._code_pages():
            self._changed(context, number)

    def _code_pages(self) -> list[int]:
        """The numbers of the pages with entries."""
        pages = (ctypes.c_uint64 * self._page_count).from_address(self._shared.code_page_of)
        return [number for number, code_page in enumerate(pages) if code_page]

    def set_watchpoints(self, watchpoints: Iterable[Watchpoint]) -> None:
        wanted = checked_watchpoints(watchpoints)
        if wanted == self._watchpoints:
            return
        self._watchpoints = wanted
        entries = [
            WatchpointEntry(each.first, each.last, each.reads << LOAD | each.writes << STORE)
            for each in sorted(wanted)
        ]
        self._watchpoint_array = (WatchpointEntry * len(entries))(*entries)
        self._shared.watchpoints = ctypes.addressof(self._watchpoint_array)
        self._shared.watchpoint_count = len(entries)
        self._empty_tables()

    def _empty_tables(self) -> None:
        """Forget what can be accessed without a look at the watchpoints."""
        raise NotImplementedError

    def pass_stop(self, number: int, reason: ExitReason | None) -> None:
        self._contexts[number].latch = LATCH_NONE if reason is None else _PASSING[reason]

    @staticmethod
    def _stop(context: Context, reason: ExitReason, number: int) -> Exit:
        """The exit for one of DEBUGGING; the next run passes it."""
        context.latch = _PASSING[reason]
        if reason is ExitReason.BREAKPOINT:
            return Exit(reason, number)
        return Exit(reason, number, context.exit_address, context.exit_size, context.exit_value)

    @staticmethod
    def _pass_nothing(context: Context) -> None:
        """The processor is in another state than that in which it was stopped."""
        if context.latch in (PASSING_BREAKPOINT, PASSING_WATCHPOINT):
            context.latch = LATCH_NONE
        context.passed_pc = NOWHERE
