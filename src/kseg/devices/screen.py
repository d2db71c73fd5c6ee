"""The text screen: in System/161's manual, not in System/161, and not here."""

from kseg.devices.device import Device
from kseg.machine.arguments import Arguments


class Screen(Device):
    """Refused when configured."""

    name = "screen"
    identity = 5
    revision = 1

    @classmethod
    def parse_arguments(cls, arguments: Arguments) -> None:
        raise arguments.error("no screen hardware is implemented; use serial")
