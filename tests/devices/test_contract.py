"""What every device must do, tried on every device there is."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kseg.boards.decstation.firmware import Firmware
from kseg.boards.decstation.memory_errors import MemoryErrors
from kseg.boards.system161.cards import CARDS
from kseg.devices.device import Device, Register
from kseg.devices.ds1287 import Ds1287
from kseg.devices.dz11 import Dz11
from kseg.errors import BusError, GuestFatal, StateError
from tests.devices.testbed import Bench

ARGUMENTS = {
    "mainboard": ["ramsize=4K"],
    "oldmainboard": ["ramsize=4K"],
    "busctl": ["ramsize=4K"],
    "disk": ["memory", "size=4M"],
    "nic": ["hwaddr=7"],
}
KINDS = {**CARDS, **{kind.name: kind for kind in (Dz11, Ds1287, Firmware, MemoryErrors)}}
NAMES = sorted(set(KINDS) - {"screen"})

Maker = Callable[[], Bench]


@pytest.fixture(params=NAMES)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Maker]:
    """Makes benches with the same device."""
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "directory").mkdir()
    benches = []

    def make() -> Bench:
        slot = 31 if "main" in request.param or request.param == "busctl" else 3
        arguments = ARGUMENTS.get(request.param, [])
        bench = Bench(KINDS[request.param], *arguments, slot=slot, directory=tmp_path)
        benches.append(bench)
        return bench

    yield make
    for bench in benches:
        bench.device.close()


accesses = st.lists(
    st.tuples(
        st.booleans(),
        st.one_of(st.integers(0, 12).map(lambda word: 4 * word), st.integers(0, 0xFFFF)),
        st.sampled_from([4, 4, 4, 2, 1]),
        st.one_of(st.integers(0, 20), st.integers(0, 0xFFFFFFFF)),
    ),
    max_size=25,
)


def perform(bench: Bench, steps: list[tuple[bool, int, int, int]]) -> list[int | str]:
    """Access registers; only what a guest may cause comes out."""
    seen: list[int | str] = []
    base = 0x7E00 if bench.slot == 31 else 0
    for is_write, offset, size, value in steps:
        offset = (offset + base) % 0x10000 & -size
        try:
            if is_write:
                bench.device.write(offset, size, value & (1 << 8 * size) - 1)
            else:
                loaded = bench.device.read(offset, size)
                assert 0 <= loaded < 1 << 8 * size
                seen.append(loaded)
        except (BusError, GuestFatal) as error:
            seen.append(type(error).__name__)
    return seen


thorough = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@thorough
@given(accesses)
def test_no_access_does_worse_than_bus_error_or_fatal(
    make: Maker, steps: list[tuple[bool, int, int, int]]
) -> None:
    bench = make()
    perform(bench, steps)
    with contextlib.suppress(GuestFatal):
        bench.advance(10_000_000)
    assert all(isinstance(line, str) for line in bench.device.describe())


@thorough
@given(accesses)
def test_peeking_shows_what_reading_would_and_changes_nothing(
    make: Maker, steps: list[tuple[bool, int, int, int]]
) -> None:
    bench = make()
    perform(bench, steps)
    before = (bench.device.save(), bench.clock.save(), bench.clock.random.save())
    raised = bench.interrupt
    base = 0x7E00 if bench.slot == 31 else 0
    for offset in range(base, base + 0x20):
        for size in (4, 2, 1):
            try:
                bench.device.peek(offset & -size, size)
            except BusError:
                with pytest.raises(BusError):
                    bench.device.read(offset & -size, size)
    assert (bench.device.save(), bench.clock.save(), bench.clock.random.save()) == before
    assert bench.interrupt == raised


@thorough
@given(accesses, accesses, accesses)
def test_a_loaded_device_goes_on_like_the_saved_one(
    make: Maker,
    before: list[tuple[bool, int, int, int]],
    between: list[tuple[bool, int, int, int]],
    after: list[tuple[bool, int, int, int]],
) -> None:
    bench = make()
    perform(bench, before)
    saved = msgspec.msgpack.encode(bench.device.save())
    clock, random = bench.clock.save(), bench.clock.random.save()
    raised = bench.interrupt
    buffer = [bytes(region.data) for region in bench.memory.regions]

    other = make()
    perform(other, between)
    other.device.load(msgspec.msgpack.decode(saved, type=bench.device.State))
    other.clock.load(clock)
    other.clock.random.load(random)
    other.bus.set_line(other.slot, raised)
    for region, data in zip(other.memory.regions, buffer, strict=True):
        region.data[:] = data

    assert msgspec.msgpack.encode(other.device.save()) == saved
    if bench.device.name != "emufs":  # whose writes both see
        assert perform(other, after) == perform(bench, after)
        assert other.device.save() == bench.device.save()


def test_reset_comes_back_to_power_on(make: Maker) -> None:
    bench = make()
    fresh = bench.device.save()
    perform(bench, [(True, 4 * word, 4, 1) for word in range(3)])
    bench.clock.forget_events()
    bench.device.reset()
    state = bench.device.save()
    if bench.device.name == "disk":
        state, fresh = (msgspec.structs.replace(each, arrival=(0, 0)) for each in (state, fresh))
    assert state == fresh


def test_states_of_other_devices_are_refused(make: Maker) -> None:
    class Strange(msgspec.Struct):
        pass

    with pytest.raises(StateError, match="Strange"):
        make().device.load(Strange())


def test_identities_are_the_manual_s() -> None:
    found = {name: (kind.identity, kind.revision) for name, kind in CARDS.items()}
    assert found == {
        "oldmainboard": (1, 2), "busctl": (1, 2), "timer": (2, 1), "disk": (3, 2),
        "serial": (4, 1), "screen": (5, 1), "nic": (6, 1), "emufs": (7, 1), "trace": (8, 3),
        "random": (9, 1), "mainboard": (10, 1),
    }  # fmt: skip


def test_what_a_class_forgot_is_named() -> None:
    class Forgetful(Device):
        name = "forgetful"
        identity = 99
        revision = 1
        registers = (Register(0, "lost", ""),)

        def reset(self) -> None:
            pass

    with pytest.raises(NotImplementedError, match=r"Forgetful .* has no read_lost"):
        Bench(Forgetful)
