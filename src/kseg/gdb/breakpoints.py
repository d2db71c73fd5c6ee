"""The breakpoints and watchpoints that a debugger has set (packets `Z` and `z`)."""

from collections.abc import Iterable

from kseg.engine.contract import Debuggable, Watchpoint
from kseg.gdb.agent_expression import Expression
from kseg.gdb.packets import Malformed

SOFTWARE, HARDWARE, WRITE, READ, ACCESS = range(5)
"""Types, as the packets number them. GDB's software breakpoints are no different from its hardware
ones here: guest memory is never changed."""

WATCH_NAMES = {WRITE: "watch", READ: "rwatch", ACCESS: "awatch"}
"""What stop replies call them."""

MOST = 1024
"""Breakpoints and watchpoints that can be set at one time."""

MOST_EVER = 4096
"""Addresses at which there were breakpoints, that are remembered."""


class Points:
    """What is set, and what the engine has been told of it."""

    def __init__(self) -> None:
        self._breakpoints: dict[tuple[int, int], tuple[Expression, ...]] = {}
        """With the conditions of which one must hold; without any there is no condition."""
        self._watchpoints: set[tuple[int, int, int]] = set()
        self._ever: set[int] = set()

    def insert(
        self, type_: int, address: int, kind: int, conditions: tuple[Expression, ...] = ()
    ) -> None:
        """Set one; `kind` is the number of bytes that a watchpoint watches. One that is there
        already gets other `conditions`. Malformed for what cannot be."""
        if len(self._breakpoints) + len(self._watchpoints) >= MOST:
            raise Malformed("too many breakpoints")
        if type_ in (SOFTWARE, HARDWARE):
            if address & 3:
                raise Malformed("not the address of an instruction")
            self._breakpoints[type_, address] = conditions
            if len(self._ever) < MOST_EVER:
                self._ever.add(address)
        elif kind < 1 or address + kind > 1 << 32:
            raise Malformed("watches nothing, or too much")
        else:
            self._watchpoints.add((type_, address, kind))

    def remove(self, type_: int, address: int, kind: int) -> None:
        """Take one away; nothing happens if there is none."""
        self._breakpoints.pop((type_, address), None)
        self._watchpoints.discard((type_, address, kind))

    def clear(self) -> None:
        self._breakpoints.clear()
        self._ever.clear()
        self._watchpoints.clear()

    def ever_had(self, address: int) -> bool:
        """Whether a breakpoint may have been at an address since all were taken away."""
        return address in self._ever or len(self._ever) >= MOST_EVER

    def breakpoint_type(self, address: int) -> int | None:
        """SOFTWARE or HARDWARE if there is a breakpoint, else None."""
        for type_ in (SOFTWARE, HARDWARE):
            if (type_, address) in self._breakpoints:
                return type_
        return None

    def conditions(self, address: int) -> list[Expression]:
        """Those of the breakpoints at an address, of which one must hold for a stop there; none
        where there is no condition."""
        found = [
            each
            for type_ in (SOFTWARE, HARDWARE)
            if (each := self._breakpoints.get((type_, address))) is not None
        ]
        return [] if () in found else [condition for each in found for condition in each]

    def watch_name(self, address: int, *, stores: bool) -> str:
        """What a stop reply calls the watchpoint that an access to `address` has met."""
        for type_, first, length in sorted(self._watchpoints):
            wanted = type_ == ACCESS or (type_ == WRITE) == stores
            if wanted and first <= address < first + length:
                return WATCH_NAMES[type_]
        return WATCH_NAMES[WRITE if stores else READ]

    @property
    def breakpoints(self) -> set[int]:
        """Their addresses."""
        return {address for _, address in self._breakpoints}

    @property
    def watchpoints(self) -> list[Watchpoint]:
        """As an engine wants them."""
        return [
            Watchpoint(first, first + length - 1, type_ != WRITE, type_ != READ)
            for type_, first, length in sorted(self._watchpoints)
        ]

    def apply(self, engine: Debuggable, further: Iterable[int] = ()) -> None:
        """Tell the engine; `further` are more addresses to stop at."""
        engine.set_breakpoints(self.breakpoints.union(further))
        engine.set_watchpoints(self.watchpoints)
