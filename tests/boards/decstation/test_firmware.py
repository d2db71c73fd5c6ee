"""The firmware's functions, asked by the device's registers; and by guests that mean no good."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kseg.boards.decstation.firmware import CALLS, FUNCTIONS, Firmware
from tests.devices.testbed import Bench

TEXT = 0x80000100
PRINTF, PUTS, GETBITMAP, HALT = 0x30, 0x2C, 0x84, 0x9C


@pytest.fixture
def bench() -> Bench:
    return Bench(Firmware, byte_order="little")


def call(bench: Bench, function: int, *arguments: int) -> int:
    for number, argument in enumerate(arguments):
        bench.write(4 * number, argument)
    return bench.read(CALLS + function)


@pytest.mark.parametrize(
    ("text", "arguments", "printed"),
    [
        (b"%d%%, %u", (0xFFFFFFFF, 7), b"-1%, 7"),
        (b"<%08x> <%4o> %c", (0xBEEF, 8, 0x41), b"<0000beef> <  10> A"),
        (b"%s.", (TEXT,), b"%s.."),
        (b"%s.", (0,), b"."),
        (b"%d %d %d %d", (1, 2, 3), b"1 2 3 %d"),
        (b"100% of %q", (), b"100% of %q"),
    ],
)
def test_printf(bench: Bench, text: bytes, arguments: tuple[int, ...], printed: bytes) -> None:
    bench.memory.write(TEXT & 0xFFFF, text + b"\0")
    assert call(bench, PRINTF, TEXT, *arguments) == len(printed)
    assert bench.console == printed


def test_the_bitmap_has_a_bit_for_each_page(bench: Bench) -> None:
    """The bench has one page."""
    assert call(bench, GETBITMAP, 0xA0000200) == 1
    assert bench.memory.read(0x200, 5) == b"\x00\x10\x00\x00\x01"
    for elsewhere in (0, 0x80000FFF, 0xC0000000, 0xFFFFFFFF, 0xBFC00000):
        assert call(bench, GETBITMAP, elsewhere) == 0


def test_a_text_without_an_end_stops_at_that_of_ram(bench: Bench) -> None:
    bench.memory.write(0, b"x" * 4096)
    assert call(bench, PUTS, 0x80000F00) == 0x100


def test_halt_switches_off_and_what_is_unknown_is_said(bench: Bench) -> None:
    call(bench, HALT)
    bench.advance(0)
    assert bench.control.asked == ["power off"]
    assert call(bench, 0x48) == 0
    assert bench.messages == ["The firmware has no function 0x48, which the guest calls"]


words = st.one_of(
    st.integers(0, 0xFFFFFFFF), st.integers(0x80000000, 0x80001000), st.integers(0, 0xFFF)
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, FUNCTIONS - 1), st.lists(words, min_size=4, max_size=4), st.binary())
def test_no_call_does_worse_than_answer(
    bench: Bench, number: int, arguments: list[int], text: bytes
) -> None:
    bench.clock.forget_events()
    bench.memory.write(0, text[:4096])
    assert 0 <= call(bench, 4 * number, *arguments) <= 0xFFFFFFFF
