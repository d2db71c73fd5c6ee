"""Reads single-step vectors: files of cases, each the state before and after one instruction.

A file is a 32-bit count and then the cases, little endian. A case: a Pascal string of 51 bytes,
the instruction and its address, the state before, the state after, the bus cycles. The processor is
LSI's R3000 core.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

READ, WRITE, FETCH = 1, 2, 4
"""Kinds of bus cycles."""


def folder() -> Path:
    """Where the vectors are, if they are: $KSEG_VECTORS, or beside the repository."""
    beside = Path(__file__).resolve().parents[2].parent / "shared/vectors/r3000-single-step"
    return Path(os.environ.get("KSEG_VECTORS", beside))


@dataclass(frozen=True)
class State:
    """The processor between two instructions."""

    registers: tuple[int, ...]
    hi: int
    lo: int
    epc: int
    target_address: int
    cause: int
    pc: int
    branch_target: int
    in_delay_slot: int
    branch_taken: int
    pending_register: int
    """Of a load on its way; -1 for none."""
    pending_value: int

    @property
    def next_pc(self) -> int:
        """Where control goes after the instruction at `pc`."""
        return self.branch_target if self.branch_taken else (self.pc + 4) & 0xFFFFFFFF


@dataclass(frozen=True)
class BusCycle:
    """One access to memory: `value` is what went over the bus."""

    value: int
    kind: int
    address: int
    size: int

    @property
    def data(self) -> bytes:
        """The bytes in memory."""
        return (self.value & ((1 << 8 * self.size) - 1)).to_bytes(self.size, "little")


@dataclass(frozen=True)
class Case:
    """One vector."""

    name: str
    opcode: int
    before: State
    after: State
    cycles: tuple[BusCycle, ...]


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.place = data, 0

    def take(self, format_: str) -> tuple[int, ...]:
        values = struct.unpack_from("<" + format_, self.data, self.place)
        self.place += struct.calcsize("<" + format_)
        return values

    def string(self, size: int) -> str:
        start = self.place + 1
        text = self.data[start : start + self.data[self.place]].decode()
        self.place += size
        return text

    def state(self) -> State:
        *registers, hi, lo, epc, target_address, cause, pc = self.take("38I")
        return State(
            tuple(registers),
            hi,
            lo,
            epc,
            target_address,
            cause,
            pc,
            *self.take("3I"),
            *self.take("iI"),
        )


def read(path: Path) -> Iterator[Case]:
    """The cases of one file."""
    reader = _Reader(path.read_bytes())
    (count,) = reader.take("i")
    for _ in range(count):
        name = reader.string(51)
        opcode, _address = reader.take("2I")
        before, after = reader.state(), reader.state()
        (cycle_count,) = reader.take("I")
        cycles = tuple(BusCycle(*reader.take("qIqI")) for _ in range(cycle_count))
        yield Case(name, opcode, before, after, cycles)
    assert reader.place == len(reader.data)
