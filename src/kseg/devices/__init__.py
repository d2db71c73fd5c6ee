"""Devices: one small file each, registered in `kseg.devices.registry` by configuration name.

For a device of your own: `Device`, `Register`, `Buffer`, `Argument` and `register`
(docs/own-devices.md).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kseg.devices.device import Buffer, Device, Register
    from kseg.devices.registry import register
    from kseg.machine.arguments import Argument

_HOME = {
    "Argument": "kseg.machine.arguments",
    "Buffer": "kseg.devices.device",
    "Device": "kseg.devices.device",
    "Register": "kseg.devices.device",
    "register": "kseg.devices.registry",
}

__all__ = ["Argument", "Buffer", "Device", "Register", "register"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'kseg.devices' has no attribute {name!r}")
