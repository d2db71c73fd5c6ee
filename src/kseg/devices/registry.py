"""Every device class, by its name in configurations."""

from collections.abc import Iterator, MutableMapping
from importlib import import_module

from kseg.devices.device import Device
from kseg.errors import ConfigurationError

DISK, NETWORK, HOST_FILES = "disk", "nic", "emufs"
"""Names that options of a user's are about."""


class Registry(MutableMapping[str, type[Device]]):
    """Classes by name; one that comes along is imported when a machine has it."""

    def __init__(self, places: dict[str, str]) -> None:
        """`places` are modules and classes: `module:Class`."""
        self._known: dict[str, type[Device] | str] = dict(places)

    def __getitem__(self, name: str) -> type[Device]:
        kind = self._known[name]
        if isinstance(kind, str):
            module, _, found = kind.partition(":")
            kind = self._known[name] = getattr(import_module(module), found)
        return kind

    def __setitem__(self, name: str, kind: type[Device]) -> None:
        self._known[name] = kind

    def __delitem__(self, name: str) -> None:
        del self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._known

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


DEVICES = Registry(
    {
        "timer": "kseg.devices.timer:Timer",
        DISK: "kseg.devices.disk:Disk",
        "serial": "kseg.devices.serial:Serial",
        NETWORK: "kseg.devices.network:NetworkInterface",
        HOST_FILES: "kseg.devices.emulated_file_system:EmulatedFileSystem",
        "trace": "kseg.devices.trace:Trace",
        "random": "kseg.devices.random:RandomSource",
    }
)


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
