from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kseg.engine.state import ProcessorState
from kseg.errors import ConfigurationError, DiskImageError, ImageError, StateError
from kseg.machine import disk_image
from kseg.machine.board_state import BoardState
from kseg.machine.disk_image import DiskImage
from kseg.machine.elf import Image, Segment
from kseg.machine.input_history import InputHistory, Item
from kseg.machine.input_port import InputPort
from kseg.machine.processor_state import load_processor, save_processor
from tests.machine.boards import EPOCH, make_board, run_program, slot
from tests.machine.fake_engine import Load, Program, Run, Store, Wait

KERNEL = Image(0x80000040, (Segment(0x80000040, 8, b"code", True),))
CARDS = ("0 serial", "1 emufs", "2 disk memory size=4M", "28 random seed=3", "29 timer", "30 trace")


def test_the_state_at_power_on() -> None:
    board = make_board(mainboard="31 mainboard ramsize=64K cpus=2")
    for number, cpu in enumerate(board.processors):
        assert (cpu.pc, cpu.status, cpu.identity) == (0xBFC00000, 0x00400000, number)
        assert cpu.enabled == (number == 0)
    assert board.memory.read(0x1FC00FF8, 8) == bytes.fromhex("00000000 0000000d")
    assert board.clock.now == 4_289_383
    assert board.clock.time_of_day() == (EPOCH, 4_289_383)


@pytest.mark.parametrize(
    ("arguments", "size"), [("", 4), ("abc", 4), ("abcd", 8), ("p /bin/true;q", 16)]
)
def test_the_boot_string_ends_at_the_top_of_memory(arguments: str, size: int) -> None:
    board = make_board()
    board.load_kernel(KERNEL, arguments)
    cpu, top = board.processors[0], 0x10000 - size
    assert (cpu.pc, cpu.gpr[25]) == (0x80000040, 0x80000040)
    assert (cpu.gpr[4], cpu.gpr[29]) == (0x80000000 + top, 0x80000000 + top - 4)
    assert board.memory.read(top, size) == arguments.encode().ljust(size, b"\0")
    assert board.memory.read(0x40, 8) == b"code\0\0\0\0"


def test_what_cannot_be_built_or_loaded_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"emufs: slot 1: directory .*missing"):
        make_board("1 emufs dir=missing", directory=tmp_path)
    with pytest.raises(DiskImageError, match="kseg disk create"):
        make_board("1 disk file=missing", directory=tmp_path)
    with pytest.raises(ImageError, match="cannot read kernel"):
        make_board().load_kernel(tmp_path / "kernel")


def test_a_board_that_cannot_be_built_releases_what_it_had(tmp_path: Path) -> None:
    disk_image.create(tmp_path / "d", 4 << 20)
    with pytest.raises(ConfigurationError):
        make_board("1 disk file=d", "2 emufs dir=missing", directory=tmp_path)
    DiskImage(tmp_path / "d").close()
    with make_board("1 disk file=d", directory=tmp_path):
        pass
    DiskImage(tmp_path / "d").close()


def busy() -> Program:
    """A guest that keeps every card at work."""
    yield Store(slot(29, 8), 1)
    yield Store(slot(29, 16), 700)
    yield Store(slot(0, 4), 1)
    for number in range(1000):
        yield Store(slot(0, 0), ord("a") + number % 26)
        yield Store(slot(2, 8), number * 7 % 8192)
        yield Store(slot(2, 4), 1 if number % 3 else 3)
        random = yield Load(slot(28))
        assert random is not None
        yield Store(0x1FFF7E0C, 0xFFFFFFFF)
        yield Run(int(random) % 5000 + 1)
        yield Load(slot(29, 12))
        yield Wait()
        yield Store(slot(0, 4), 1)
        yield Store(slot(2, 4), 0)
        yield Load(slot(29, 12))


@settings(max_examples=15)
@given(st.integers(1, 1_000_000), st.integers(500, 500_000))
def test_a_run_does_not_depend_on_where_it_is_interrupted(first: int, step: int) -> None:
    whole, pieces = make_board(*CARDS), make_board(*CARDS)
    monitor, _ = run_program(whole, busy)
    monitor.run(until_cycle=1_500_000)
    other, engine = run_program(pieces, busy)
    other.run(max_cycles=first)
    while engine.clock < 1_500_000:
        other.run(until_cycle=min(engine.clock + step, 1_500_000))
    assert pieces.save() == whole.save()
    assert other.statistics.lines()[:-2] == monitor.statistics.lines()[:-2]
    assert pieces.collected.console == whole.collected.console != b""  # type: ignore[attr-defined]


@settings(max_examples=15)
@given(st.integers(1, 3_000_000))
def test_a_loaded_board_goes_on_like_the_saved_one(cycles: int) -> None:
    one, two = make_board(*CARDS), make_board(*CARDS)
    monitor, _ = run_program(one, busy)
    monitor.run(max_cycles=cycles)
    saved = msgspec.msgpack.decode(msgspec.msgpack.encode(one.save()), type=BoardState)

    run_program(two, busy)[0].run(max_cycles=12345)
    two.load(saved)
    assert two.save() == one.save()
    # The same guest program, in two pieces: its first part cannot be repeated on the second
    # board, so the second board runs the rest of it and the first a copy of its state.
    other, _ = run_program(two, rest)
    other.run(max_cycles=1_000_000)
    monitor, _ = run_program(one, rest)
    monitor.run(max_cycles=1_000_000)
    assert two.save() == one.save()


def rest() -> Program:
    for number in range(200):
        yield Store(slot(0, 0), number % 256)
        yield Run(number * 13 + 1)
        yield Load(slot(28))
        yield Load(slot(29, 4))
        yield Store(slot(29, 16), number)


def change(state: BoardState, **changes: Any) -> BoardState:
    return msgspec.structs.replace(state, **changes)


def test_states_of_other_machines_are_refused() -> None:
    board = make_board(*CARDS)
    state = board.save()
    for other, text in [
        (change(state, version=99), "version 99"),
        (make_board().save(), "another configuration"),
        (change(state, processors=[]), "another configuration"),
        (change(state, regions={}), "another configuration"),
        (change(state, processors=[{}]), "no numbers? gpr|no 32 numbers gpr"),
        (change(state, devices={**state.devices, 29: {"restart": "x"}}), "timer@29"),
        (change(state, devices={**state.devices, 29: state.devices[0]}), "timer@29"),
        (change(state, random=type(state.random)([])), "31 32-bit words"),
    ]:
        with pytest.raises(StateError, match=text):
            board.load(other)


def test_a_processor_is_saved_by_name() -> None:
    cpu, other = ProcessorState(), ProcessorState()
    cpu.gpr[5], cpu.clock, cpu.tlb_entry_hi[63] = 7, 1 << 40, 0x1000
    saved = save_processor(cpu)
    assert (saved["gpr"][5], saved["clock"]) == (7, 1 << 40)
    load_processor(other, saved)
    assert bytes(other) == bytes(cpu)
    for broken in ({**saved, "pc": "x"}, {**saved, "gpr": [1]}, {**saved, "gpr": 5}):
        with pytest.raises(StateError):
            load_processor(other, broken)


def test_reset_boots_again() -> None:
    board = make_board(*CARDS)
    board.load_kernel(KERNEL, "again")
    fresh = board.save()
    monitor, engine = run_program(board, busy)
    monitor.run(max_cycles=500_000)
    before = board.clock.now
    board.reset()
    state = board.save()
    assert (state.processors[0]["pc"], state.regions) == (0x80000040, fresh.regions)
    assert state.processors[0]["clock"] == engine.clock
    assert (board.clock.now, state.clock.events) == (before, [])
    assert not board.bus.line(29)


def test_the_same_inputs_make_the_same_run() -> None:
    log: list[Item] = []

    def guest() -> Program:
        yield Store(slot(0, 8), 1)
        while True:
            yield Wait()
            character = yield Load(slot(0, 0))
            yield Store(slot(0, 8), 1)
            yield Store(slot(0, 0), int(character or 0))
            yield Run(3000)

    def run(input_port: InputPort, text: bytes) -> Any:
        board = make_board("0 serial", "28 random autoseed", input_port=input_port)
        monitor, _ = run_program(board, guest)
        input_port.type(text)
        monitor.run(max_cycles=2_000_000)
        input_port.type(text.upper())
        monitor.run(max_cycles=2_000_000)
        return board

    recorded = run(InputPort(recorder=log.append), b"hello")
    assert recorded.collected.console == b"helloHELLO"
    assert [item.channel for item in log] == ["epoch", "seed"] + ["console"] * 10
    replayed = run(InputPort(replay=InputHistory(log)), b"not this")
    assert replayed.collected.console == b"helloHELLO"
    assert replayed.save() == recorded.save()


def test_a_boot_string_larger_than_memory_is_refused() -> None:
    board = make_board()
    with pytest.raises(ImageError, match=r"its boot string of \d+ bytes does not fit"):
        board.load_kernel(KERNEL, "x" * board.memory.ram.size)


@pytest.mark.parametrize(
    ("now", "seconds"), [(-1e9, 0), (-0.5, 0), (1.5, 1), (2**32 + 5.0, 5), (1e15, 0xA4C68000)]
)
def test_a_clock_of_the_hosts_that_is_wrong(
    monkeypatch: pytest.MonkeyPatch, now: float, seconds: int
) -> None:
    import time

    from kseg.machine.board import host_seconds

    monkeypatch.setattr(time, "time", lambda: now)
    assert host_seconds() == seconds
