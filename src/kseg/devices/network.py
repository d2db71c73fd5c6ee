"""The network card: one packet out, one packet in, 4 KiB each.

System/161 manual, "Network interface". Packets go to whatever `transport` is set; without one there
is no carrier and they are lost. Packets that are received come through the machine's input port, on
the channel named like the card ("nic@27").
"""

from collections.abc import Callable, Mapping
from typing import Annotated, ClassVar

import msgspec

from kseg.devices.device import BUFFER, Buffer, Device, Register
from kseg.devices.hex_dump import hex_dump
from kseg.engine.codegen.typed import u32
from kseg.errors import GuestFatal
from kseg.machine.arguments import Argument, Arguments

PACKET_SIZE = 4096
HEADER_SIZE = 8
FRAME = 0xA4B3
HUB = 0x0000
BROADCAST = 0xFFFF

DONE = 1
PROMISCUOUS, SEND = 1, 2

LATENCY = 2_000_000
KEEPALIVE = 1_000_000_000
"""ns, both."""


class NetworkOptions(msgspec.Struct, frozen=True):
    address: int
    hub: str


class NetworkState(msgspec.Struct):
    received: Annotated[int, msgspec.Meta(ge=0, le=DONE)] = 0
    sent: Annotated[int, msgspec.Meta(ge=0, le=DONE)] = 0
    control: Annotated[int, msgspec.Meta(ge=0, le=PROMISCUOUS | SEND)] = 0


class NetworkInterface(Device):
    """`transport` takes a whole packet and says what went wrong, or ""."""

    name = "nic"
    identity = 6
    revision = 1
    State = NetworkState
    state: NetworkState
    keeps_time = True
    events: ClassVar[Mapping[str, range]] = {"send": range(1), "keep alive": range(1)}
    registers = (
        Register(
            0x0,
            "received",
            "1: a packet is in the receive buffer, and interrupts; further ones are lost until 0 is"
            " written",
            steady=True,
        ),
        Register(
            0x4,
            "sent",
            "1: the packet has been sent, and interrupts, until 0 is written",
            steady=True,
        ),
        Register(
            0x8,
            "control",
            "bit 0: take packets for others, too; bit 1: writing it sends the packet in the send"
            " buffer, which takes 2 ms; clear when done",
        ),
        Register(0xC, "status", "low 16 bits: the card's address", access="r"),
    )
    buffers = (
        Buffer(BUFFER, PACKET_SIZE, "the packet that came in", "receive buffer"),
        Buffer(
            BUFFER + PACKET_SIZE,
            PACKET_SIZE,
            "the packet to send: 16 bits each of frame mark (a4b3) and sender, which the card fills"
            " in, length with this header, and receiver (ffff: all); then the data",
            "send buffer",
        ),
    )
    arguments = (
        Argument("hwaddr", "decimal", "the card's address; needed", minimum=1, maximum=0xFFFE),
        Argument("hub", "text", "the hub's socket", ".sockets/hub"),
    )
    transport: Callable[[bytes], str] | None = None

    @classmethod
    def parse_arguments(cls, arguments: Arguments) -> NetworkOptions:
        given = arguments.read(cls.arguments)
        if given["hwaddr"] is None:
            raise arguments.error("hwaddr= is missing; give a number from 1 to 65534")
        return NetworkOptions(given["hwaddr"], given["hub"])

    def plug_in(self) -> None:
        self._in, self._out = map(self.add_buffer, self.buffers)
        self.carrier = False
        """Whether there is a hub, as far as is known."""

    def reset(self) -> None:
        super().reset()
        self.context.input_port.attach(self.owner, self)
        self._keep_alive()

    Options = NetworkOptions

    def write_received(self, value: u32) -> None:
        self.state.received = _acknowledged(value)
        self._update_interrupt()

    def write_sent(self, value: u32) -> None:
        self.state.sent = _acknowledged(value)
        self._update_interrupt()

    def read_status(self) -> u32:
        """The card's address; no carrier bit, as on System/161."""
        return u32(self.options.address)

    def write_control(self, value: u32) -> None:
        if value & ~(PROMISCUOUS | SEND):
            raise GuestFatal("Illegal network control register write")
        if value & SEND and self.state.control & SEND:
            raise GuestFatal("Network packet send started while send already in progress")
        if value & SEND:
            self.trace("starting send ({} bytes)", int.from_bytes(self._out.data[4:6], "big"))
            self.schedule(LATENCY, "send")
        # What has been started cannot be taken back.
        self.state.control = value | self.state.control & SEND

    def on_keep_alive(self, _argument: int) -> None:
        self._keep_alive()

    def on_send(self, _argument: int) -> None:
        self.state.control &= ~SEND
        packet = bytearray(self._out.data)
        length = int.from_bytes(packet[4:6], "big")
        if length > PACKET_SIZE:
            raise GuestFatal("Packet size too long")
        packet[0:4] = FRAME.to_bytes(2, "big") + self.options.address.to_bytes(2, "big")
        self.memory.write(self._out.base, bytes(packet[0:4]))
        if self.transport is not None:
            problem = self.transport(bytes(packet[:length]))
            if problem:
                self.message(f"nic: slot {self.slot}: sendto: {problem}")
        self.trace("packet sent")
        self.activity.packets_sent += 1
        self.state.sent = DONE
        self._update_interrupt()

    def connect(self, transport: Callable[[bytes], str]) -> None:
        """Send through `transport` from now on, and say that this card is here."""
        self.transport = transport
        self._announce()

    def _keep_alive(self) -> None:
        """Tell the hub once a second that there is a card here."""
        self._announce()
        self.schedule(KEEPALIVE, "keep alive")

    def _announce(self) -> None:
        if self.transport is None:
            problem = "no hub"
        else:
            words = (FRAME, self.options.address, HEADER_SIZE, HUB)
            problem = self.transport(b"".join(word.to_bytes(2, "big") for word in words))
        if problem:
            self.trace("keepalive rejected: {}", problem)
        if self.carrier == (not problem):
            return
        self.carrier = not problem
        what = "carrier detected" if self.carrier else "lost carrier"
        self.message(f"nic: slot {self.slot}: {what}")

    def can_receive(self) -> bool:
        return True

    def receive(self, data: bytes) -> None:
        """A packet is received: kept when it is whole, for us, and the last one was taken."""
        if len(data) < HEADER_SIZE or int.from_bytes(data[0:2], "big") != FRAME:
            self.trace("runt packet" if len(data) < HEADER_SIZE else "framing error")
            self.activity.packet_errors += 1
            return
        to = int.from_bytes(data[6:8], "big")
        if to not in (self.options.address, BROADCAST) and not self.state.control & PROMISCUOUS:
            self.trace("packet not for us")
            return
        said = int.from_bytes(data[4:6], "big")
        if said != len(data) or len(data) > PACKET_SIZE:
            self.trace("truncated packet" if said > len(data) else "garbage on end of packet")
            self.activity.packet_errors += 1
        elif self.state.received:
            self.trace("overrun")
            self.activity.packets_dropped += 1
        else:
            self.trace("packet received")
            self.memory.write(self._in.base, data)
            self.activity.packets_received += 1
            self.state.received = DONE
            self._update_interrupt()

    def _update_interrupt(self) -> None:
        self.interrupt = bool(self.state.received or self.state.sent)

    def describe(self) -> list[str]:
        registers = (
            f"rirq: {self.state.received}  wirq: {self.state.sent}  control: {self.state.control}"
            f"  status: 0x{self.options.address:04x}"
        )
        return [
            f"System/161 network interface rev {self.revision}",
            f"    Hub: {self.options.hub}",
            f"    Carrier: {'detected' if self.carrier else 'none'}",
            f"    {registers}",
            "    rx buffer:",
            *hex_dump(self._in.data),
            "    tx buffer:",
            *hex_dump(self._out.data),
        ]


def _acknowledged(value: u32) -> u32:
    if value & ~DONE:
        raise GuestFatal("Illegal network interrupt register write")
    return value
