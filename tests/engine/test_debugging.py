"""Breakpoints and watchpoints: every engine stops at the same cycle in the same state."""

import os
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kseg.engine import Exit, ExitReason, ProcessorState, create
from kseg.engine.contract import Watchpoint
from kseg.isa.assembler import assemble
from kseg.memory.physical import PhysicalMemory
from tests.engine.random_programs import RAM_SIZE, Machine, machine, run_side_by_side

CYCLES = 250
EXAMPLES = int(os.environ.get("KSEG_LOCKSTEP_EXAMPLES", "25"))
ENGINES = ("reference", "interpreter", "translator")
START = 0x80001000
KINDS = [("mips161", "big"), ("r3000", "little"), ("lsi", "little")]

seen: Counter[ExitReason] = Counter()


def change_points(rng: random.Random, machines: list[Machine]) -> None:
    """Set others, on every machine: near where a processor is, and near what it may access."""
    states = machines[0].engine.processors
    near = [state.pc & ~3 for state in states]
    near += [state.next_pc & ~3 for state in states]
    near += [0x80000080, 0x80000000]
    breakpoints = {
        (rng.choice(near) + 4 * rng.randrange(-2, 12)) & 0xFFFFFFFF
        for _ in range(rng.choice((0, 1, 3)))
    }
    watchpoints = []
    for _ in range(rng.choice((0, 1, 2))):
        state = rng.choice(states)
        first = (
            state.gpr[rng.choice((1, 2, 3, 4, 8, 9, 31))] + rng.randrange(-64, 64)
        ) & 0xFFFFFFFF
        last = min(first + rng.choice((0, 3, 7, 5000, 0x1000000)), 0xFFFFFFFF)
        if rng.random() < 0.3:
            first, last = 0x80000000, 0x80000000 + RAM_SIZE - 1
        reads, writes = rng.choice(((True, False), (False, True), (True, True)))
        watchpoints.append(Watchpoint(first, last, reads, writes))
    for each in machines:
        each.engine.set_breakpoints(breakpoints)
        each.engine.set_watchpoints(watchpoints)


def run_with_points(seed: int, reference: Machine, tested: Machine) -> None:
    """Run both side by side, with breakpoints and watchpoints that change now and then."""
    rng = random.Random(seed + 2)

    def before(both: list[Machine]) -> None:
        if rng.random() < 0.3:
            change_points(rng, both)

    def after(exit_: Exit) -> None:
        seen[exit_.reason] += 1

    run_side_by_side(seed, reference, tested, CYCLES, before, after)


@pytest.mark.slow
@pytest.mark.parametrize(("profile", "byte_order"), KINDS)
@settings(max_examples=EXAMPLES)
@given(seed=st.integers(0, 1 << 32))
def test_random_programs(profile: str, byte_order: str, seed: int) -> None:
    run_with_points(
        seed,
        machine("reference", profile, byte_order, seed),
        machine("interpreter", profile, byte_order, seed),
    )


@pytest.mark.parametrize("quantum", [1, 4])
@settings(max_examples=EXAMPLES)
@given(seed=st.integers(0, 1 << 32), processors=st.integers(2, 5))
def test_several_processors(quantum: int, seed: int, processors: int) -> None:
    run_with_points(
        seed,
        machine("reference", "mips161", "big", seed, processors, quantum),
        machine("interpreter", "mips161", "big", seed, processors, quantum),
    )


@pytest.mark.slow
def test_random_programs_do_stop() -> None:
    """What the tests above compare is not mostly nothing."""
    seen.clear()
    for profile, byte_order in KINDS:
        for seed in range(60):
            run_with_points(
                seed,
                machine("reference", profile, byte_order, seed),
                machine("interpreter", profile, byte_order, seed),
            )
    assert seen[ExitReason.BREAKPOINT] > 100
    assert seen[ExitReason.WATCHPOINT] > 20


def program(engine: str, source: str) -> Machine:
    """A machine about to execute assembly text at START in kernel mode."""
    image = assemble(source, origin=START)
    memory = PhysicalMemory(64 * 1024)
    memory.write(START & 0x1FFFFFFF, image.code)
    state = ProcessorState()
    state.reset(status=0, pc=START)
    state.enabled = 1
    return Machine(create(engine, "mips161", "big", memory, [state]), memory)


LOOP = """
        li      t1, 1000
1:      addiu   t0, t0, 1
        bne     t0, t1, 1b
        addiu   t2, t2, 2
2:      b       2b
        nop
"""
ADD, BRANCH, SLOT = START + 4, START + 8, START + 12


@pytest.mark.parametrize("engine", ENGINES)
def test_stop_in_a_delay_slot_and_pass(engine: str) -> None:
    vm = program(engine, LOOP)
    vm.engine.set_breakpoints([SLOT])
    state = vm.engine.processors[0]
    for turn in range(1, 4):
        assert vm.engine.run(10_000).reason is ExitReason.BREAKPOINT
        assert (state.pc, state.in_delay_slot, state.next_pc) == (SLOT, 1, ADD)
        assert (state.gpr[8], state.gpr[10]) == (turn, 2 * turn - 2)
        assert vm.engine.clock == 3 * turn
    vm.engine.set_breakpoints([])
    assert vm.engine.run(100).reason is ExitReason.BUDGET


@pytest.mark.parametrize("engine", ENGINES)
def test_the_budget_comes_before_a_breakpoint(engine: str) -> None:
    vm = program(engine, LOOP)
    vm.engine.set_breakpoints([BRANCH])
    assert vm.engine.run(2).reason is ExitReason.BUDGET
    assert vm.engine.run(2).reason is ExitReason.BREAKPOINT
    assert vm.engine.clock == 2


@pytest.mark.parametrize("engine", ENGINES)
def test_an_instruction_that_stalls_stops_once(engine: str) -> None:
    vm = program(engine, "mult t0, t1\n mflo t2\n addiu t3, t3, 1\n1: b 1b\n nop")
    vm.engine.set_breakpoints([START + 4, START + 8])
    state = vm.engine.processors[0]
    assert vm.engine.run(100).reason is ExitReason.BREAKPOINT
    assert (state.pc, vm.engine.clock) == (START + 4, 1)
    assert vm.engine.run(100).reason is ExitReason.BREAKPOINT
    assert (state.pc, vm.engine.clock) == (START + 8, 3)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_breakpoint_survives_the_rewriting_of_its_instruction(engine: str) -> None:
    vm = program(
        engine,
        """
        la      t0, place
        lui     t1, 0x2529
        ori     t1, t1, 1
1:      nop
        nop
place:  nop
        sw      t1, 0(t0)
        b       1b
        nop
        """,
    )
    vm.engine.set_breakpoints([START + 24])
    state = vm.engine.processors[0]
    for clock in (6, 12):
        assert vm.engine.run(1000).reason is ExitReason.BREAKPOINT
        assert (vm.engine.clock, state.pc) == (clock, START + 24)
    # The guest's own instruction is there, and is executed.
    assert vm.memory.read(0x1018, 4) == bytes.fromhex("25290001")
    assert vm.engine.run(1).reason is ExitReason.BUDGET
    assert state.gpr[9] == 0x25290002


@pytest.mark.parametrize("engine", ENGINES)
def test_watchpoints_stop_before_the_access(engine: str) -> None:
    vm = program(
        engine,
        """
        lui     t0, 0x8000
        ori     t0, t0, 0x4000
        li      t1, 7
        sw      t1, 8(t0)
        sb      t1, 5(t0)
        lw      t2, 4(t0)
1:      b       1b
        nop
        """,
    )
    state = vm.engine.processors[0]
    watched = 0x80004004
    vm.engine.set_watchpoints([Watchpoint(watched, watched + 3, True, True)])
    found = vm.engine.run(100)
    assert (found.reason, found.address, found.size, found.value) == (
        ExitReason.WATCHPOINT,
        watched + 1,
        1,
        1,
    )
    assert (state.pc, vm.memory.read(0x4005, 1)) == (START + 16, b"\0")
    found = vm.engine.run(100)
    assert (found.reason, found.address, found.size, found.value) == (
        ExitReason.WATCHPOINT,
        watched,
        4,
        0,
    )
    assert (state.pc, vm.memory.read(0x4005, 1)) == (START + 20, b"\7")
    assert vm.engine.run(100).reason is ExitReason.BUDGET
    assert state.gpr[10] == 0x00070000


@pytest.mark.parametrize("engine", ENGINES)
def test_what_does_not_exist_is_refused(engine: str) -> None:
    vm = program(engine, LOOP)
    with pytest.raises(ValueError, match="no instruction"):
        vm.engine.set_breakpoints([START + 2])
    with pytest.raises(ValueError, match="no addresses"):
        vm.engine.set_watchpoints([Watchpoint(8, 4, True, True)])


def test_translations_go_while_there_is_a_breakpoint_and_come_back() -> None:
    vm = program("translator", LOOP.replace("li      t1, 1000", "nop"))
    engine = vm.engine

    def translates() -> bool:
        before = engine.statistics.translated_cycles
        for _ in range(200):
            engine.run(10_000_000)
            if engine.statistics.translated_cycles > before:
                return True
        return False

    assert translates()
    vm.engine.set_breakpoints([0x80003000])
    assert engine.statistics.translations == 0
    before = engine.statistics.translated_cycles
    engine.run(5_000_000)
    assert engine.statistics.translated_cycles == before
    vm.engine.set_breakpoints([])
    assert translates()
