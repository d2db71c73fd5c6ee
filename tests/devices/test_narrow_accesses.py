"""Bytes and halfwords of a register are those of its word in memory of the board's byte order."""

from typing import Literal

import msgspec
import pytest

from kseg.devices import Device, Register
from kseg.machine.event_queue import Word
from tests.devices.testbed import Bench


class CellState(msgspec.Struct):
    cell: Word = 0x11223344


class Cell(Device):
    name = "cell"
    State = CellState
    registers = (Register(8, "cell", "keeps a word"),)


@pytest.mark.parametrize("byte_order", ["big", "little"])
@pytest.mark.parametrize(("offset", "size"), [(0, 2), (2, 2), (0, 1), (1, 1), (2, 1), (3, 1)])
def test_it_is_the_same_in_memory(
    byte_order: Literal["big", "little"], offset: int, size: int
) -> None:
    bench = Bench(Cell, byte_order=byte_order)
    memory = bytearray((0x11223344).to_bytes(4, byte_order))
    part = slice(offset, offset + size)
    expected = int.from_bytes(memory[part], byte_order)
    assert bench.device.read(8 + offset, size) == expected
    assert bench.device.peek(8 + offset, size) == expected
    bench.device.write(8 + offset, size, 0xA5A5 & (1 << 8 * size) - 1)
    memory[part] = b"\xa5" * size
    assert bench.read(8) == int.from_bytes(memory, byte_order)
