"""The controller, on a real board: its registers are the bus's."""

import pytest

from kseg.boards.system161.board import System161
from kseg.errors import BusError, GuestFatal
from tests.machine.boards import CONTROL, make_board

RAM, RAISED, POWER, ENABLED, PROCESSORS, RUNNING, SELF = range(CONTROL, CONTROL + 28, 4)
CONFIGURATION = 0x1FFF0000
AREA = 0x1FFF8000


@pytest.fixture
def board() -> System161:
    return make_board("29 timer", mainboard="31 mainboard ramsize=128K cpus=3")


def read(board: System161, address: int, processor: int = 0, size: int = 4) -> int:
    return board.bus.read(processor, address, size)


def write(board: System161, address: int, value: int, size: int = 4) -> None:
    board.bus.write(0, address, size, value)


def test_configuration_regions_name_the_cards(board: System161) -> None:
    def identity(slot: int) -> list[int]:
        return [read(board, CONFIGURATION + 0x400 * slot + offset) for offset in (0, 4, 8)]

    assert identity(29) == [1, 2, 1]
    assert identity(31) == [1, 10, 1]
    assert identity(5) == [0, 0, 0]
    for offset in (12, 0x200, 0x3FC):
        with pytest.raises(BusError):
            read(board, CONFIGURATION + offset)
    with pytest.raises(BusError):
        write(board, CONFIGURATION, 0)


def test_control_registers(board: System161) -> None:
    assert read(board, RAM) == 128 << 10
    assert read(board, PROCESSORS) == 0b111
    assert read(board, RUNNING) == 1
    assert [read(board, SELF, number) for number in range(3)] == [1, 2, 4]
    assert read(board, POWER) == 0xFFFFFFFF
    assert read(board, ENABLED) == 0xFFFFFFFF
    for register in (RAM, RAISED, PROCESSORS, SELF, CONTROL + 28):
        with pytest.raises(BusError):
            write(board, register, 0)
    with pytest.raises(BusError):
        read(board, CONTROL + 28)


def test_narrow_accesses_are_word_accesses(board: System161) -> None:
    assert read(board, RAM + 1, size=1) == 2
    assert read(board, RAM + 2, size=2) == 0
    write(board, ENABLED + 3, 0x12, size=1)
    assert read(board, ENABLED) == 0xFFFFFF12
    board.bus.write(0, ENABLED, 4, 0xAABB0000, mask=0xFFFF0000)
    assert read(board, ENABLED) == 0xAABBFF12
    # An engine may tell which bits of a byte change: all.
    board.bus.write(0, ENABLED, 1, 0x77, mask=0xFF)
    assert read(board, ENABLED) == 0x77BBFF12
    write(board, AREA + 4 + 3, 1, size=1)
    assert read(board, AREA + 4) == 0xFFFFFFFF


def test_every_mask_counts(board: System161) -> None:
    def lines() -> list[int]:
        return [each.interrupt_lines for each in board.processors]

    board.bus.set_line(29, True)
    assert lines() == [0x400] * 3
    assert read(board, RAISED) == 1 << 29
    write(board, AREA + 0x400, ~(1 << 29) & 0xFFFFFFFF)
    assert lines() == [0x400, 0, 0x400]
    write(board, ENABLED, 0)
    assert lines() == [0, 0, 0]
    assert read(board, RAISED) == 1 << 29
    write(board, ENABLED, 1 << 29)
    board.bus.set_line(29, False)
    assert lines() == [0, 0, 0]


def test_processors_interrupt_each_other(board: System161) -> None:
    write(board, AREA + 0x400 + 4, 77)
    assert [each.interrupt_lines for each in board.processors] == [0, 0x800, 0]
    assert read(board, AREA + 0x400 + 4) == 0xFFFFFFFF
    write(board, AREA + 0x400 + 4, 0)
    assert board.processors[1].interrupt_lines == 0
    assert read(board, AREA + 0x400 + 4) == 0


def test_a_line_wakes_at_once(board: System161) -> None:
    cpu = board.processors[0]
    cpu.waiting = 1
    board.bus.set_line(29, True)
    board.bus.set_line(29, False)
    assert cpu.waiting == 0


def test_a_secondary_starts_where_its_memory_says(board: System161) -> None:
    board.memory.write(AREA + 0x800 + 0x300, bytes.fromhex("80001000 deadbeef"))
    write(board, RUNNING, 0b101)
    cpu = board.processors[2]
    assert [p.enabled for p in board.processors] == [1, 0, 1]
    assert (cpu.pc, cpu.gpr[25], cpu.gpr[4], cpu.gpr[29]) == (
        0x80001000, 0x80001000, 0xDEADBEEF, 0x9FFF8C00,
    )  # fmt: skip
    assert cpu.status == 0x00400000


def test_running_processors_are_system161_s(board: System161) -> None:
    """Not its manual's: see `LameBus.run_processors`."""
    board.memory.write(AREA + 0x400 + 0x300, bytes.fromhex("80001000"))
    write(board, RUNNING, 0b011)
    assert read(board, RUNNING) == 0b001
    cpu = board.processors[1]
    cpu.pc, cpu.waiting = 0x80002000, 1
    write(board, RUNNING, 0b001)
    assert (cpu.enabled, cpu.pc) == (1, 0x80002000)
    write(board, RUNNING, 0b011)
    assert (cpu.enabled, cpu.pc, cpu.waiting) == (1, 0x80001000, 0)
    write(board, RUNNING, 0)
    assert (read(board, RUNNING), board.processors[0].enabled) == (0, 0)


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (0x80001002, "not properly aligned"),
        (0x80100000, "invalid address"),
        (0x9FE00000, "invalid"),
    ],
)
def test_a_secondary_cannot_start_anywhere(board: System161, entry: int, text: str) -> None:
    board.memory.write(AREA + 0x400 + 0x300, entry.to_bytes(4, "big"))
    with pytest.raises(GuestFatal, match=text):
        write(board, RUNNING, 0b011)


def test_areas_of_processors_that_are_not_there(board: System161) -> None:
    with pytest.raises(BusError):
        read(board, AREA + 3 * 0x400)
    with pytest.raises(BusError):
        write(board, AREA + 3 * 0x400 + 4, 1)
    with pytest.raises(BusError):
        read(board, AREA + 8)
    with pytest.raises(BusError):
        write(board, AREA + 8, 0)


def test_power(board: System161) -> None:
    write(board, POWER, 0x80000001)
    with pytest.raises(GuestFatal, match="Invalid power state"):
        write(board, POWER, 1)
    for _ in range(3000):
        write(board, POWER, 0)
    assert len(list(board.clock.pending)) == board.clock.CROWDED


def test_the_old_mainboard() -> None:
    board = make_board(mainboard="31 busctl ramsize=16K")
    assert read(board, RAM) == 16384
    assert read(board, CONFIGURATION + 31 * 0x400 + 4) == 1
    with pytest.raises(GuestFatal, match="Read from LAMEbus controller power register"):
        read(board, POWER)
    assert board.bus.peek(POWER, 4) == 0
    write(board, POWER, 1)
    assert not list(board.clock.pending)
    for address in (PROCESSORS, RUNNING, SELF, AREA, AREA + 0x300):
        with pytest.raises(BusError):
            read(board, address)
