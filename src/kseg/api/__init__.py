"""The public Python API: boot a guest, talk to its console, look inside it.

Read `machine` first; `console` and `typist` are how to talk to a guest, `processor` and `memory`
how to look at one, `guests` and `boards` what is booted, and on which machine. `host` has many
guests on one machine.
"""

from typing import TYPE_CHECKING, Any

from kseg.api.console import Console, ConsoleClosed, ConsoleTimeout, Expected
from kseg.api.machine import Machine
from kseg.monitor.bare import Stop, StopReason

if TYPE_CHECKING:
    from kseg.api.host import Host

__all__ = [
    "Console",
    "ConsoleClosed",
    "ConsoleTimeout",
    "Expected",
    "Host",
    "Machine",
    "Stop",
    "StopReason",
]


def __getattr__(name: str) -> Any:
    if name == "Host":  # who boots one guest need not import what many take
        from kseg.api.host import Host

        return Host
    raise AttributeError(f"module 'kseg.api' has no attribute {name!r}")
