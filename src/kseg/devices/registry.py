"""Every device class, by its name in `sys161.conf`."""

from kseg.devices.device import Device
from kseg.devices.disk import Disk
from kseg.devices.emulated_file_system import EmulatedFileSystem
from kseg.devices.mainboard import Mainboard, OldMainboard
from kseg.devices.network import NetworkInterface
from kseg.devices.random import RandomSource
from kseg.devices.screen import Screen
from kseg.devices.serial import Serial
from kseg.devices.timer import Timer
from kseg.devices.trace import Trace

DEVICES: dict[str, type[Device]] = {
    **{
        device.name: device
        for device in (
            Mainboard, OldMainboard, Timer, Disk, Serial, Screen, NetworkInterface,
            EmulatedFileSystem, Trace, RandomSource,
        )
    },
    "busctl": OldMainboard,
}  # fmt: skip

CONTROLLERS = frozenset({"mainboard", "oldmainboard", "busctl"})
"""What goes in slot 31 and nowhere else."""
