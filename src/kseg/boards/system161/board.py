"""The board System/161 emulates: LAMEbus, its cards, up to 32 MIPS-161 processors at 25 MHz."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from kseg.boards.system161.address_map import ROM_BASE, ROM_SIZE
from kseg.boards.system161.cards import CARDS
from kseg.boards.system161.configuration import Configuration, parse_configuration
from kseg.boards.system161.interrupts import LAMEBUS_LINE, PROCESSOR_LINE, Interrupts
from kseg.boards.system161.lamebus import LameBus
from kseg.boards.system161.meter import Meter
from kseg.boards.system161.options import configure
from kseg.machine import configuration as contract
from kseg.machine.board import Board
from kseg.machine.board_state import SYSTEM161
from kseg.machine.clock import TimeModel
from kseg.machine.device_context import DeviceContext

if TYPE_CHECKING:
    from kseg.boards.system161.hub import HubConnection
    from kseg.boards.system161.meter_socket import MeterSocket
    from kseg.devices.device import Device

BREAK = 0x0000000D


class System161(Board):
    """System/161, its quirks included."""

    name = SYSTEM161
    profile = "mips161"
    time_model = TimeModel(
        nanoseconds_per_cycle=40,
        longest_burst=125_000,
        poll_interval=50_000,
        jitter=True,
        late_events=True,
        random_start=10_000_000,
        idle_remainder_counts_twice=True,
    )
    configuration_file = "sys161.conf"
    line_names = MappingProxyType({LAMEBUS_LINE: "bus", PROCESSOR_LINE: "processor"})

    ready_made = True

    configuration: Configuration
    bus: LameBus

    @classmethod
    def device_kinds(cls) -> "Sequence[type[Device]]":
        own = __name__.partition(".")[0]
        kinds = dict.fromkeys(CARDS.values())
        return [kind for kind in kinds if kind.__module__.partition(".")[0] == own]

    @classmethod
    def lines_kind(cls) -> type[Interrupts]:
        return Interrupts

    @classmethod
    def configure(
        cls, given: str | Path | contract.Configuration | None, options: contract.BoardOptions
    ) -> Configuration:
        return configure(given, options)

    @classmethod
    def read_configuration(cls, text: str, source: str) -> Configuration:
        return parse_configuration(text, source)

    def make_bus(self) -> LameBus:
        self.memory.add_region("boot rom", ROM_BASE, ROM_SIZE, writable=False)
        return LameBus(self.memory, self.processors)

    def plug_devices(self, context: DeviceContext) -> None:
        self.meter = Meter(self)
        for slot in self.configuration.slots:
            kind = CARDS[slot.device]
            options = kind.parse_arguments(slot.read_arguments())
            self.bus.plug(kind(slot.slot, context, self.bus, options))

    def fill_rom(self) -> None:
        # Sliding into the last word of the ROM means an exception nobody has a handler for.
        self.memory.write(ROM_BASE + ROM_SIZE - 4, BREAK.to_bytes(4, "big"))

    def reset(self) -> None:
        metered = self.meter.save()
        super().reset()
        self.meter.restart(metered)

    def dump(self) -> None:
        """As the trace card's dump register has it."""
        from kseg.boards.system161.state_dump import dump

        for line in dump(self):
            self.message(line)

    def connect_network(self, wake: Callable[[], None] = lambda: None) -> "Sequence[HubConnection]":
        if not self.configuration.has_network:
            return ()
        from kseg.boards.system161.hub import connect

        return connect(self, wake)

    def serve_meter(self, path: Path) -> "MeterSocket":
        from kseg.boards.system161.meter_socket import MeterSocket

        return MeterSocket(path, self.meter)

    def hang_up(self) -> None:
        self.meter.hang_up()
