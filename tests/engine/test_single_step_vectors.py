"""55,000 single steps of LSI's R3000 core, from vectors that others made.

The vectors are not part of the repository: put them where $KSEG_VECTORS says.
"""

import struct
from functools import cache
from pathlib import Path

import pytest

from kseg.engine import ENGINES, Engine, ExitReason, ProcessorState, create
from kseg.isa.registers import CAUSE_INTERRUPT_LINES
from kseg.memory.physical import PhysicalMemory
from tests.engine.vectors import FETCH, READ, WRITE, Case, State, folder, read

FILES = sorted(folder().glob("*.bin"))


@cache
def _machine(engine_name: str) -> tuple[Engine, ProcessorState, PhysicalMemory]:
    """One processor of the lsi profile with memory at every physical address."""
    memory = PhysicalMemory(1 << 32)
    state = ProcessorState()
    state.reset(status=0, pc=0)
    state.enabled = 1
    return create(engine_name, "lsi", "little", memory, [state]), state, memory


def _physical(address: int) -> int:
    """Without a TLB, only kseg0 and kseg1 are moved."""
    address &= 0xFFFFFFFF
    return address & 0x1FFFFFFF if 0x80000000 <= address < 0xC0000000 else address


def _set(state: ProcessorState, before: State) -> None:
    state.status = 0
    state.gpr[:] = before.registers
    state.hi, state.lo, state.epc, state.pc = before.hi, before.lo, before.epc, before.pc
    state.target_address = before.target_address
    state.interrupt_lines = before.cause & CAUSE_INTERRUPT_LINES
    state.cause = before.cause & ~CAUSE_INTERRUPT_LINES
    state.in_delay_slot, state.next_pc = before.in_delay_slot, before.next_pc
    state.pending_load_register = max(before.pending_register, 0)
    state.pending_load_value = before.pending_value if before.pending_register > 0 else 0


def _seen(state: ProcessorState) -> dict[str, int]:
    """What a step can change, by name."""
    return {
        **{f"r{number}": value for number, value in enumerate(state.gpr)},
        "hi": state.hi,
        "lo": state.lo,
        "epc": state.epc,
        "tar": state.target_address,
        "cause": state.cause | state.interrupt_lines,
        "pc": state.pc,
        "in_delay_slot": state.in_delay_slot,
        "next_pc": state.next_pc if state.in_delay_slot else 0,
        "pending_register": state.pending_load_register,
        "pending_value": state.pending_load_value if state.pending_load_register else 0,
    }


def _expected(after: State) -> dict[str, int]:
    return {
        **{f"r{number}": value for number, value in enumerate(after.registers)},
        "hi": after.hi,
        "lo": after.lo,
        "epc": after.epc,
        "tar": after.target_address,
        "cause": after.cause,
        "pc": after.pc,
        "in_delay_slot": after.in_delay_slot,
        "next_pc": after.next_pc if after.in_delay_slot else 0,
        "pending_register": max(after.pending_register, 0),
        "pending_value": after.pending_value if after.pending_register > 0 else 0,
    }


def _step(engine_name: str, case: Case) -> dict[str, tuple[int, int]]:
    """Execute a case; what came out differently, as (seen, expected)."""
    engine, state, memory = _machine(engine_name)
    _set(state, case.before)

    def store(address: int, data: bytes) -> None:
        memory.write(_physical(address), data)
        engine.memory_changed(_physical(address), len(data))

    store(case.before.pc, struct.pack("<I", case.opcode))
    for cycle in case.cycles[1:]:
        if cycle.kind in (READ, FETCH):
            store(cycle.address, cycle.data)
    assert engine.run(1).reason is ExitReason.BUDGET
    seen, expected = _seen(state), _expected(case.after)
    for cycle in case.cycles[1:]:
        if cycle.kind == WRITE:
            name = f"memory {cycle.address & 0xFFFFFFFF:#010x}"
            stored = memory.read(_physical(cycle.address), cycle.size)
            seen[name] = int.from_bytes(stored, "little")
            expected[name] = int.from_bytes(cycle.data, "little")
    return {name: (seen[name], expected[name]) for name in seen if seen[name] != expected[name]}


@pytest.mark.skipif(not FILES, reason=f"no vectors in {folder()}; $KSEG_VECTORS says where")
@pytest.mark.parametrize("engine_name", ENGINES)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.partition(".")[0])
def test_every_step_ends_as_the_vector_says(path: Path, engine_name: str) -> None:
    count = 0
    for case in read(path):
        count += 1
        assert not _step(engine_name, case), f"{case.name} (opcode {case.opcode:#010x})"
    assert count == 1000
