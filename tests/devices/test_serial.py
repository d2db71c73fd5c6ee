from kseg.devices.serial import CHARACTER_TIME, Serial
from tests.devices.testbed import Bench

CHARACTER, TRANSMIT, RECEIVE = 0, 4, 8


def make() -> Bench:
    return Bench(Serial)


def test_a_character_takes_its_time() -> None:
    bench = make()
    bench.write(TRANSMIT, 1)
    bench.write(CHARACTER, ord("a"))
    bench.write(CHARACTER, ord("b"))  # too early: lost
    assert (bench.console, bench.interrupt) == (b"a", False)
    assert bench.until(lambda: bench.interrupt) == CHARACTER_TIME == 20833
    assert bench.read(TRANSMIT) == 3
    bench.write(TRANSMIT, 1)
    assert not bench.interrupt
    bench.write(CHARACTER, 0x163)
    assert bench.console == b"ac"
    assert bench.activity.console_writes == 2


def test_forcing_keeps_the_interrupt_up() -> None:
    bench = make()
    bench.write(RECEIVE, 4)
    assert not bench.interrupt
    bench.write(RECEIVE, 5)
    assert bench.interrupt
    assert bench.read(RECEIVE) == 5
    bench.write(RECEIVE, 0xFFFFFFF8)
    assert (bench.interrupt, bench.read(RECEIVE)) == (False, 0)


def type_text(bench: Bench, text: bytes) -> None:
    bench.input_port.type(text)
    while bench.input_port.poll(0, 0):
        pass


def test_input_comes_a_character_at_a_time() -> None:
    bench = make()
    bench.write(RECEIVE, 1)
    type_text(bench, b"xy")
    assert bench.interrupt
    assert bench.device.peek(CHARACTER) == ord("x")
    assert bench.read(CHARACTER) == ord("x")
    bench.write(RECEIVE, 1)
    assert bench.until(lambda: bench.interrupt) == CHARACTER_TIME
    assert bench.read(CHARACTER) == ord("y")
    assert bench.activity.console_reads == 2


def test_clearing_ready_without_reading_loses_the_character() -> None:
    bench = make()
    type_text(bench, b"xy")
    bench.write(RECEIVE, 0)
    bench.advance(CHARACTER_TIME)
    assert bench.read(CHARACTER) == ord("y")


def test_a_guest_that_does_not_read_is_told_of() -> None:
    bench = make()
    type_text(bench, b"xy")
    bench.advance(1_100_000_000)
    assert bench.messages == ["Kernel not responding; console input suspended"]
    assert bench.read(CHARACTER) == ord("x")
    bench.advance(CHARACTER_TIME)
    assert bench.messages[1].startswith("Held up to ")
    assert bench.read(CHARACTER) == ord("y")


def test_the_ring_holds_511_and_the_rest_waits_outside() -> None:
    bench = make()
    text = bytes(range(256)) * 3
    bench.write(RECEIVE, 1)
    type_text(bench, text)
    got = bytearray()
    while len(got) < len(text):
        got.append(bench.read(CHARACTER))
        bench.write(RECEIVE, 1)
        type_text(bench, b"")
        bench.advance(CHARACTER_TIME)
    assert got == text
