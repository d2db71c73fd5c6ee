"""The public Python API: boot a guest, talk to its console, look inside it.

Read `machine` first, then what it is made of: `virtual_machine` (what can be done with any
machine), `view` (its part that only looks), `assembly` (how one is put together) from `options`
and one of the beginnings: `booting`, `snapshots`, `forks`, `repeating`. `console` and
`paced_input` are how to talk to a guest, `processor` and `memory` how to look at one, `guests` and
`boards` what is booted, and on which machine. `host` has many guests on one machine; `recording`
and `replay` repeat what a machine did, `travel` goes back in it (by a `replay_cursor`), `timeline`
tells what happened when.
"""

from typing import TYPE_CHECKING, Any

from kseg.api.console import Console, ConsoleClosed, ConsoleTimeout, Expected
from kseg.api.machine import Machine
from kseg.monitor.stop import Stop, StopReason

if TYPE_CHECKING:
    from kseg.api.host import Host
    from kseg.api.recording import Recording
    from kseg.api.replay import Replay

__all__ = [
    "Console",
    "ConsoleClosed",
    "ConsoleTimeout",
    "Expected",
    "Host",
    "Machine",
    "Recording",
    "Replay",
    "Stop",
    "StopReason",
]


def __getattr__(name: str) -> Any:
    if name == "Host":  # who boots one guest need not import what many take
        from kseg.api.host import Host

        return Host
    if name == "Recording":
        from kseg.api.recording import Recording

        return Recording
    if name == "Replay":
        from kseg.api.replay import Replay

        return Replay
    raise AttributeError(f"module 'kseg.api' has no attribute {name!r}")
