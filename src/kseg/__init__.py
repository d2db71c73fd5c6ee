"""kseg: a virtual machine monitor for the MIPS R3000.

The names below are the public Python API; everything is imported when first used, so that
``import kseg`` itself costs next to nothing.
"""

from typing import TYPE_CHECKING, Any

from kseg.version import __version__

if TYPE_CHECKING:
    from kseg.api import Console, Host, Machine, Recording, Replay, Stop
    from kseg.exploration.exploration import explore

__all__ = ["Console", "Host", "Machine", "Recording", "Replay", "Stop", "__version__", "explore"]


def __getattr__(name: str) -> Any:
    if name in {"Console", "Host", "Machine", "Recording", "Replay", "Stop"}:
        from kseg import api

        return getattr(api, name)
    if name == "explore":
        from kseg.exploration.exploration import explore

        return explore
    raise AttributeError(f"module 'kseg' has no attribute {name!r}")
