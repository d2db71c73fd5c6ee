"""kseg: a virtual machine monitor for the MIPS R3000.

The names below are the public Python API; everything is imported when first used, so that
``import kseg`` itself costs next to nothing.
"""

from typing import TYPE_CHECKING, Any

from kseg.version import __version__

if TYPE_CHECKING:
    from kseg.api.console import Console, ConsoleClosed, ConsoleTimeout, Expected
    from kseg.api.host import Host
    from kseg.api.host_guest import Guest
    from kseg.api.machine import Machine
    from kseg.api.recording import Recording
    from kseg.api.replay import Replay
    from kseg.api.travel import TimeTravel
    from kseg.checks import ArgumentError
    from kseg.engine.contract import Watchpoint
    from kseg.errors import (
        ConfigurationError,
        DiskImageError,
        DivergenceError,
        EngineError,
        ImageError,
        KsegError,
        LogError,
        StateError,
    )
    from kseg.exploration.exploration import explore
    from kseg.inspection.memory import AddressError
    from kseg.machine.preemption import Preemption
    from kseg.machine.run_lock import InUseError
    from kseg.monitor.stop import Stop, StopReason

__all__ = [
    "AddressError",
    "ArgumentError",
    "ConfigurationError",
    "Console",
    "ConsoleClosed",
    "ConsoleTimeout",
    "DiskImageError",
    "DivergenceError",
    "EngineError",
    "Expected",
    "Guest",
    "Host",
    "ImageError",
    "InUseError",
    "KsegError",
    "LogError",
    "Machine",
    "Preemption",
    "Recording",
    "Replay",
    "StateError",
    "Stop",
    "StopReason",
    "TimeTravel",
    "Watchpoint",
    "__version__",
    "explore",
]

_PLACES = {
    "kseg.checks": ("ArgumentError",),
    "kseg.api.console": ("Console", "ConsoleClosed", "ConsoleTimeout", "Expected"),
    "kseg.api.host": ("Host",),
    "kseg.api.host_guest": ("Guest",),
    "kseg.api.machine": ("Machine",),
    "kseg.inspection.memory": ("AddressError",),
    "kseg.api.recording": ("Recording",),
    "kseg.api.replay": ("Replay",),
    "kseg.api.travel": ("TimeTravel",),
    "kseg.engine.contract": ("Watchpoint",),
    "kseg.errors": (
        "ConfigurationError",
        "DiskImageError",
        "DivergenceError",
        "EngineError",
        "ImageError",
        "KsegError",
        "LogError",
        "StateError",
    ),
    "kseg.exploration.exploration": ("explore",),
    "kseg.machine.preemption": ("Preemption",),
    "kseg.machine.run_lock": ("InUseError",),
    "kseg.monitor.stop": ("Stop", "StopReason"),
}
_MODULES = {name: module for module, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module 'kseg' has no attribute {name!r}")
    from importlib import import_module

    from kseg.platform import host

    host.check()
    found = globals()[name] = getattr(import_module(module), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
