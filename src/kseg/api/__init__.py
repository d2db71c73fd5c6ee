"""The public Python API: boot a guest, talk to its console, look inside it.

Read `machine` first; `console` and `typist` are how to talk to a guest, `processor` and `memory`
how to look at one, `guests` and `boards` what is booted, and on which machine.
"""

from kseg.api.console import Console, ConsoleClosed, ConsoleTimeout, Expected
from kseg.api.machine import Machine
from kseg.monitor.bare import Stop, StopReason

__all__ = [
    "Console",
    "ConsoleClosed",
    "ConsoleTimeout",
    "Expected",
    "Machine",
    "Stop",
    "StopReason",
]
