"""How a run ends, or comes to stand."""

from enum import StrEnum

import msgspec


class StopReason(StrEnum):
    """Why `RunLoop.run` came back."""

    POWER_OFF = "power-off"
    CYCLE_LIMIT = "cycle limit"
    CONDITION = "condition"
    """The `until` that was given says so."""
    BREAK = "break"
    """A BREAK instruction, with `stop_on_break`."""
    BREAKPOINT = "breakpoint"
    """The next instruction is at one of the engine's breakpoints (`Debuggable`)."""
    WATCHPOINT = "watchpoint"
    """The next instruction is about to access what one of its watchpoints watches."""
    DEBUGGER = "debugger"
    """The guest asked for a debugger, with `stop_for_debugger`."""
    IDLE = "idle forever"
    """Every processor waits, nothing will happen, and there is no input."""
    FATAL = "fatal"
    DOOM = "doom"
    NO_PROGRESS = "no progress"
    INTERRUPTED = "interrupted"
    """`RunLoop.interrupt` was called."""
    LOG_END = "end of the log"
    """A run that is repeated is where the recorded one ended."""


STOPS_TO_STAND_AT = (
    StopReason.BREAKPOINT,
    StopReason.WATCHPOINT,
    StopReason.DEBUGGER,
    StopReason.FATAL,
)
"""At these a debugger has something to look at, before the machine goes on or comes to its end."""


class Stop(msgspec.Struct, frozen=True):
    """How a run ended. `exit_code` is System/161's for it; None where it would go on.

    `processor` is the number of the one concerned, for BREAK, BREAKPOINT, WATCHPOINT and FATAL;
    `address` the first virtual address that is watched and accessed, and `stores` how, for
    WATCHPOINT.
    """

    reason: StopReason
    exit_code: int | None = None
    message: str = ""
    processor: int = 0
    address: int = 0
    stores: bool = False
