import pytest

from kseg.devices.trace import Trace
from kseg.errors import BusError, GuestFatal
from tests.devices.testbed import Bench

ON, OFF, PRINT, DUMP, STOP, PROFILE, CLEAR = range(0, 28, 4)


def test_flags() -> None:
    bench = Bench(Trace)
    bench.write(ON, ord("k"))
    bench.write(ON, ord("x"))
    bench.write(OFF, ord("k"))
    assert bench.control.trace_flags == {"x"}
    assert bench.control.flag_changes == 3


@pytest.mark.parametrize(
    ("value", "text"), [(ord("z"), "z (122)"), (0, "? (0)"), (0x1_0000 + ord("k"), "k (65643)"),
                        (0xFFFFFFFF, "? (-1)"), (0x416B, "k (16747)")],
)  # fmt: skip
def test_unknown_flags_are_fatal(value: int, text: str) -> None:
    for register in (ON, OFF):
        with pytest.raises(GuestFatal, match="Invalid trace code") as caught:
            Bench(Trace).write(register, value)
        assert str(caught.value) == f"Invalid trace code {text}"


def test_messages_and_requests() -> None:
    bench = Bench(Trace)
    bench.write(PRINT, 255)
    bench.write(DUMP, 1)
    bench.write(STOP, 1)
    bench.write(CLEAR, 1)
    assert bench.messages[0] == "trace: code 255 (0xff)"
    assert bench.messages[2] == "trace: dump with code 1 (0x1)"
    assert bench.messages[-1] == "trace: software-requested debugger stop"
    assert bench.control.asked == ["dump", "debugger"]


def test_profiling_reads_zero_without_a_profiler() -> None:
    bench = Bench(Trace)
    bench.write(PROFILE, 1)
    assert bench.read(PROFILE) == 0


def test_profiling_with_a_profiler() -> None:
    bench = Bench(Trace)
    bench.control.can_profile = True
    assert bench.read(PROFILE) == 1
    bench.write(PROFILE, 0)
    assert bench.read(PROFILE) == 0
    assert bench.control.profiling is False
    state = bench.device.save()
    bench.write(PROFILE, 7)
    assert bench.read(PROFILE) == 1
    bench.device.load(state)
    assert bench.read(PROFILE) == 0
    bench.write(CLEAR, 0)
    assert bench.control.profile_clears == 1


def test_the_rest_is_write_only() -> None:
    bench = Bench(Trace)
    for offset in (ON, OFF, PRINT, DUMP, STOP, CLEAR, 28):
        with pytest.raises(BusError):
            bench.read(offset)
