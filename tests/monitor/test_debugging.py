"""A debugger cannot tell what runs the guest either: it stops at the same cycles, with the same
state, on the bare machine and under every monitor, and the guest cannot tell that it was there."""

import os
import random
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kseg import Machine
from kseg.engine.contract import Watchpoint
from kseg.isa.assembler import Program, assemble
from kseg.monitor.stop import StopReason
from tests.monitor.observed import MEASURE, Visible, booted, differences, visible
from tests.monitor.random_kernels import WINDOW, random_kernel

EXAMPLES = int(os.environ.get("KSEG_LOCKSTEP_EXAMPLES", "8"))
CYCLES = 6000
STOPS = 60

MONITORS = [
    ("trap-and-emulate", "interpreter"),
    ("hybrid", "interpreter"),
    ("hybrid", "translator"),
]
DEVICES = (0xBFE00000, 0xBFFFFFFF)
STOPPED = (StopReason.BREAKPOINT, StopReason.WATCHPOINT)
seen: Counter[StopReason] = Counter()

Seen = tuple[StopReason, int, bool, Visible]


def choose(rng: random.Random, machine: Machine) -> tuple[set[int], list[Watchpoint]]:
    """Breakpoints near where the processor is and at the vectors, watchpoints near what it may
    access."""
    state = machine.board.processors[0]
    near = [state.pc & ~3, state.next_pc & ~3, state.epc & ~3, 0x80000000, 0x80000080]
    near += [state.gpr[31] & ~3]
    breakpoints = {
        (rng.choice(near) + 4 * rng.randrange(-2, 12)) & 0xFFFFFFFC
        for _ in range(rng.choice((0, 1, 3, 8)))
    }
    watchpoints = []
    for _ in range(rng.choice((0, 0, 1, 2))):
        first = state.gpr[rng.choice((1, 2, 3, 4, 8, 9, 16, 29, 31))] + rng.randrange(-64, 64)
        first &= 0xFFFFFFFF
        last = min(first + rng.choice((0, 3, 7, 5000)), 0xFFFFFFFF)
        if rng.random() < 0.4:
            first, last = rng.choice(((0, 0x7FFFFFFF), (0x80014000, 0x80015FFF), DEVICES))
        reads, writes = rng.choice(((True, False), (False, True), (True, True)))
        watchpoints.append(Watchpoint(first, last, reads, writes))
    return breakpoints, watchpoints


def session(machine: Machine, seed: int) -> Iterator[Seen]:
    """What a debugger sees that changes its mind now and then."""
    rng = random.Random(seed)
    engine = machine.engine
    for _ in range(STOPS):
        if rng.random() < 0.4:
            breakpoints, watchpoints = choose(rng, machine)
            engine.set_breakpoints(breakpoints)
            engine.set_watchpoints(watchpoints)
        stop = machine.run(cycles=rng.choice((1, 2, 50, 500, 1000)))
        seen[stop.reason] += 1
        yield stop.reason, stop.address, stop.stores, visible(machine)
        if stop.exit_code is not None or machine.cycles > CYCLES:
            break
    engine.set_breakpoints(())
    engine.set_watchpoints(())
    stop = machine.run(cycles=CYCLES)
    yield stop.reason, 0, False, visible(machine)


def check(program: Program, monitor: str, engine: str, seed: int) -> None:
    """Compare the sessions on the bare machine and under a monitor."""
    with booted(program, *MEASURE) as bare, booted(program, monitor, engine) as machine:
        for expected, found in zip(session(bare, seed), session(machine, seed), strict=True):
            where = f"at cycle {expected[3]['cpu0.clock']}"
            assert differences(expected[3], found[3]) == [], where
            assert found[:3] == expected[:3], where


@pytest.mark.slow("trap-and-emulate")
@pytest.mark.parametrize(("monitor", "engine"), MONITORS)
@settings(max_examples=EXAMPLES)
@given(seed=st.integers(0, 1 << 32))
def test_stops_are_the_same(monitor: str, engine: str, seed: int) -> None:
    check(random_kernel(seed).program, monitor, engine, seed)


@pytest.mark.parametrize("monitor", ["trap-and-emulate", "hybrid"])
@settings(max_examples=max(2, EXAMPLES // 8))
@given(seed=st.integers(0, 1 << 32))
def test_stops_are_the_same_under_a_monitor_in_python(monitor: str, seed: int) -> None:
    check(random_kernel(seed).program, monitor, "reference", seed)


WAITING_FOR_LO = """
        li      t0, 3
loop:   mult    t0, t0
here:   mflo    t1
        sw      t1, 0x4000(t2)
        addiu   t0, t0, -1
        bnez    t0, loop
        lui     t2, 0x4000
end:    b       end
        nop
"""


@pytest.mark.parametrize("engine", ["reference", "interpreter", "translator"])
@pytest.mark.parametrize("monitor", ["trap-and-emulate", "hybrid"])
def test_an_instruction_that_waits_is_stopped_at_once(monitor: str, engine: str) -> None:
    """Linked in the window, it is the hardware that executes it, and the stores come to pages that
    the guest has not got yet."""
    program = assemble(f"__start: lui t2, 0x4000\n{WAITING_FOR_LO}", WINDOW)
    with booted(program, monitor, engine) as machine:
        place = program.symbols["here"]
        machine.engine.set_breakpoints([place])
        machine.engine.set_watchpoints([Watchpoint(0x40004000, 0x40004003, False, True)])
        found = []
        while (stop := machine.run(cycles=100)).reason in STOPPED:
            found.append((stop.reason, machine.cycles))
            if len(found) == 3:
                # The cycle in which it waits, alone.
                assert machine.run(cycles=1).reason is StopReason.CYCLE_LIMIT
        assert found == [
            each
            for turn in range(3)
            for each in (
                (StopReason.BREAKPOINT, 3 + 7 * turn),
                (StopReason.WATCHPOINT, 5 + 7 * turn),
            )
        ]


def test_stops_there_were() -> None:
    """The sessions above stopped at something (they run first)."""
    if seen:
        assert all(seen[reason] > 10 for reason in STOPPED), seen
