"""Every device class, by its name in configurations."""

from kseg.devices.device import Device
from kseg.devices.disk import Disk
from kseg.devices.emulated_file_system import EmulatedFileSystem
from kseg.devices.network import NetworkInterface
from kseg.devices.random import RandomSource
from kseg.devices.serial import Serial
from kseg.devices.timer import Timer
from kseg.devices.trace import Trace
from kseg.errors import ConfigurationError

DEVICES: dict[str, type[Device]] = {
    kind.name: kind
    for kind in (Timer, Disk, Serial, NetworkInterface, EmulatedFileSystem, Trace, RandomSource)
}


def register(kind: type[Device], name: str = "") -> type[Device]:
    """Make a class known by its `name` or another one, for configurations and for snapshots; also
    as a decorator.

    ConfigurationError when the name is taken, or is none that a configuration can hold.
    """
    name = name or kind.name
    if name.split() != [name] or "#" in name:
        raise ConfigurationError(f"device {name!r}: a name is one word without '#'")
    known = DEVICES.setdefault(name, kind)
    if known is not kind:
        raise ConfigurationError(f"device {name}: the name is taken by {known.__qualname__}")
    return kind
