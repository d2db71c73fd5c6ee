"""The cards for System/161's slots: every device there is, and those that only this machine has."""

from kseg.boards.system161.mainboard import Mainboard, OldMainboard
from kseg.devices.device import Device
from kseg.devices.registry import DEVICES, register
from kseg.machine.arguments import Arguments


class Screen(Device):
    """The text screen is in System/161's manual, but not in System/161, and not here: refused when
    it is configured."""

    name = "screen"
    identity = 5
    revision = 1

    @classmethod
    def parse_arguments(cls, arguments: Arguments) -> None:
        raise arguments.error("no screen hardware is implemented; use serial")


CONTROLLERS = frozenset({Mainboard.name, OldMainboard.name, "busctl"})
"""What goes in slot 31 and nowhere else."""

for _kind in (Mainboard, OldMainboard, Screen):
    register(_kind)
register(OldMainboard, "busctl")

CARDS = DEVICES
"""By the name in `sys161.conf`."""
