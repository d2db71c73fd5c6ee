import pytest

from kseg.devices.network import NetworkInterface
from kseg.errors import BusError, GuestFatal
from tests.devices.testbed import Bench

RECEIVED, SENT, CONTROL, STATUS = 0, 4, 8, 12


def make() -> Bench:
    return Bench(NetworkInterface, "hwaddr=7")


def packet(to: int, text: bytes = b"hello", length: int | None = None) -> bytes:
    size = 8 + len(text) if length is None else length
    return b"\xa4\xb3\x00\x09" + size.to_bytes(2, "big") + to.to_bytes(2, "big") + text


def test_sending_takes_two_milliseconds_and_fills_in_the_header() -> None:
    bench, sent = make(), []
    bench.device.transport = lambda data: sent.append(data) or ""
    bench.memory.write(bench.buffer + 4096, b"????\x00\x0b\x00\x09abc")
    bench.write(CONTROL, 2)
    assert bench.read(CONTROL) == 2
    bench.write(CONTROL, 1)
    assert bench.read(CONTROL) == 3
    assert bench.until(lambda: bench.interrupt) == 2_000_000
    assert sent == [b"\xa4\xb3\x00\x07\x00\x0b\x00\x09abc"]
    assert (bench.read(SENT), bench.read(CONTROL)) == (1, 1)
    bench.write(SENT, 0)
    assert not bench.interrupt
    assert bench.activity.packets_sent == 1


def test_without_a_hub_packets_are_lost() -> None:
    bench = make()
    bench.memory.write(bench.buffer + 4096, packet(9))
    bench.write(CONTROL, 2)
    bench.until(lambda: bench.interrupt)
    assert bench.read(STATUS) == 7


def test_a_hub_hears_from_the_card_every_second() -> None:
    bench, sent = make(), []
    bench.device.transport = lambda data: sent.append(data) or ""
    bench.advance(3_000_000_000)
    assert sent == [b"\xa4\xb3\x00\x07\x00\x08\x00\x00"] * 3
    bench.device.transport = None
    bench.advance(1_000_000_000)
    assert bench.messages == ["nic: slot 3: carrier detected", "nic: slot 3: lost carrier"]


def deliver(bench: Bench, data: bytes) -> None:
    bench.input_port.put("nic@3", data)
    bench.input_port.poll(0, 0)


def test_receiving() -> None:
    bench = make()
    deliver(bench, packet(7))
    assert (bench.interrupt, bench.read(RECEIVED)) == (True, 1)
    assert bench.memory.read(bench.buffer, 13) == packet(7)
    deliver(bench, packet(7, b"lost"))
    assert bench.activity.packets_dropped == 1
    bench.write(RECEIVED, 0)
    deliver(bench, packet(8))
    assert not bench.interrupt
    deliver(bench, packet(0xFFFF))
    assert bench.interrupt
    bench.write(RECEIVED, 0)
    bench.write(CONTROL, 1)
    deliver(bench, packet(8))
    assert bench.interrupt
    assert bench.activity.packets_received == 3


@pytest.mark.parametrize(
    "data",
    [b"", b"short", packet(7, length=99), packet(7, length=3), b"xx" + packet(7)[2:],
     packet(7, bytes(5000))],
)  # fmt: skip
def test_damaged_packets_are_counted(data: bytes) -> None:
    bench = make()
    deliver(bench, data)
    assert (bench.interrupt, bench.activity.packet_errors) == (False, 1)


def test_what_the_hardware_does_not_like() -> None:
    bench = make()
    for register in (RECEIVED, SENT):
        with pytest.raises(GuestFatal, match="Illegal network interrupt register write"):
            bench.write(register, 2)
    with pytest.raises(GuestFatal, match="Illegal network control register write"):
        bench.write(CONTROL, 4)
    with pytest.raises(BusError):
        bench.write(STATUS, 0)
    bench.memory.write(bench.buffer + 4096, packet(9, length=4097))
    bench.write(CONTROL, 2)
    with pytest.raises(GuestFatal, match="already in progress"):
        bench.write(CONTROL, 2)
    with pytest.raises(GuestFatal, match="Packet size too long"):
        bench.advance(2_000_000)


def test_what_it_does_can_be_traced() -> None:
    bench, told = make(), []
    bench.control.device_trace = lambda _kind, _slot, text: told.append(text)
    bench.memory.write(bench.buffer + 4096, packet(9))
    bench.write(CONTROL, 2)
    bench.until(lambda: bench.interrupt)
    deliver(bench, packet(8))
    deliver(bench, packet(7))
    deliver(bench, packet(7))
    deliver(bench, b"")
    deliver(bench, packet(7, length=99))
    assert told == [
        "starting send (13 bytes)", "packet sent", "packet not for us", "packet received",
        "overrun", "runt packet", "truncated packet",
    ]  # fmt: skip
