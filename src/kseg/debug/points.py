"""The breakpoints and watchpoints that a debugger has set (packets `Z` and `z`)."""

from kseg.debug.packets import Malformed
from kseg.engine.contract import Debuggable, Watchpoint

SOFTWARE, HARDWARE, WRITE, READ, ACCESS = range(5)
"""Types, as the packets number them. GDB's software breakpoints are no different from its hardware
ones here: guest memory is never changed."""

WATCH_NAMES = {WRITE: "watch", READ: "rwatch", ACCESS: "awatch"}
"""What stop replies call them."""

MOST = 1024
"""Breakpoints and watchpoints that can be set at one time."""


class Points:
    """What is set, and what the engine has been told of it."""

    def __init__(self) -> None:
        self._breakpoints: set[tuple[int, int]] = set()
        self._watchpoints: set[tuple[int, int, int]] = set()

    def insert(self, type_: int, address: int, kind: int) -> None:
        """Set one; `kind` is the number of bytes that a watchpoint watches. Malformed for what
        cannot be."""
        if len(self._breakpoints) + len(self._watchpoints) >= MOST:
            raise Malformed("too many breakpoints")
        if type_ in (SOFTWARE, HARDWARE):
            if address & 3:
                raise Malformed("not the address of an instruction")
            self._breakpoints.add((type_, address))
        elif kind < 1 or address + kind > 1 << 32:
            raise Malformed("watches nothing, or too much")
        else:
            self._watchpoints.add((type_, address, kind))

    def remove(self, type_: int, address: int, kind: int) -> None:
        """Take one away; nothing happens if there is none."""
        self._breakpoints.discard((type_, address))
        self._watchpoints.discard((type_, address, kind))

    def clear(self) -> None:
        """Take all away."""
        self._breakpoints.clear()
        self._watchpoints.clear()

    def breakpoint_type(self, address: int) -> int | None:
        """SOFTWARE or HARDWARE if there is a breakpoint, else None."""
        for type_ in (SOFTWARE, HARDWARE):
            if (type_, address) in self._breakpoints:
                return type_
        return None

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

    def apply(self, engine: Debuggable, further: int | None = None) -> None:
        """Tell the engine; `further` is one more address to stop at."""
        engine.set_breakpoints(self.breakpoints | ({further} if further is not None else set()))
        engine.set_watchpoints(self.watchpoints)
