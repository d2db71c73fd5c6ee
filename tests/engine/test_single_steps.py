"""Single steps written by hand, under every engine, profile and byte order."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kseg.engine import ENGINES, Engine, ExitReason, ProcessorState, create
from kseg.isa.assembler import assemble
from kseg.isa.profile import PROFILES
from kseg.isa.registers import GPR_NAMES, GPR_NUMBERS, UNMAPPED_MASK
from kseg.memory.physical import PhysicalMemory

ORIGIN, DATA = 0x80001000, 0x80002000
STEPS: list[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "data" / "single_steps.toml").read_text(encoding="utf-8")
)["step"]
FIELDS = (
    *("hi", "lo", "pc", "status", "cause", "epc", "bad_vaddr", "context"),
    *("entry_hi", "entry_lo", "index"),
)
CASES = [
    pytest.param(step, name, order, id=f"{step['name']}-{name}-{order}")
    for step in STEPS
    for name, profile in PROFILES.items()
    for order in profile.byte_orders
    if name in step.get("profiles", PROFILES) and order == step.get("byte_order", order)
]


@cache
def _machine(
    engine_name: str, profile: str, byte_order: str
) -> tuple[Engine, ProcessorState, PhysicalMemory]:
    memory = PhysicalMemory(0x4000)
    state = ProcessorState()
    return create(engine_name, profile, byte_order, memory, [state]), state, memory


def _everything(state: ProcessorState) -> dict[str, int]:
    registers = dict(zip(GPR_NAMES, state.gpr, strict=True))
    return registers | {name: getattr(state, name) for name in FIELDS}


def _set(state: ProcessorState, before: dict[str, int]) -> None:
    state.reset(status=0, pc=ORIGIN)
    state.enabled = 1
    state.entry_hi = 0
    for name, value in before.items():
        if name in FIELDS:
            setattr(state, name, value)
        else:
            state.gpr[GPR_NUMBERS[name]] = value


@pytest.mark.parametrize("engine_name", ENGINES)
@pytest.mark.parametrize(("step", "profile", "byte_order"), CASES)
def test_step(step: dict[str, Any], profile: str, byte_order: str, engine_name: str) -> None:
    engine, state, memory = _machine(engine_name, profile, byte_order)
    memory.write(0, bytes(0x4000))
    program = assemble(step["source"], ORIGIN, byte_order, profile)
    memory.write(ORIGIN & UNMAPPED_MASK, program.code)
    data = bytes.fromhex(step.get("memory", ""))
    memory.write(DATA & UNMAPPED_MASK, data)
    engine.memory_changed(0, 0x4000)
    _set(state, step.get("before", {}))
    expected = _everything(state)
    steps = step.get("steps", 1)
    expected |= {"pc": ORIGIN + 4 * steps} | step.get("after", {})

    assert engine.run(steps).reason is ExitReason.BUDGET

    assert _everything(state) == expected
    data_after = bytes.fromhex(step["memory_after"]) if "memory_after" in step else data
    assert memory.read(DATA & UNMAPPED_MASK, len(data)) == data_after
