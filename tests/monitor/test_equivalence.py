"""A guest cannot tell what runs it: random kernels under every monitor, on every engine.

What a bare machine on the interpreter shows is the measure: everything about it at each system
call, at any other cycle, and at the end must be the same elsewhere, cycle counters included.
"""

import os
import random
import struct

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kseg.isa.assembler import Program
from tests.monitor.observed import (
    LAST_CYCLE,
    MEASURE,
    ON,
    Ending,
    Visible,
    booted,
    differences,
    program_state,
    run_to,
    trace,
    visible,
)
from tests.monitor.random_kernels import random_kernel

EXAMPLES = int(os.environ.get("KSEG_LOCKSTEP_EXAMPLES", "12"))

MONITORS = [
    # Monitor and engine; ("bare", "interpreter") is what all are compared with.
    ("bare", "reference"),
    ("bare", "translator"),
    ("trap-and-emulate", "interpreter"),
    ("hybrid", "interpreter"),
    ("hybrid", "translator"),
]

WINDOW_MONITORS = [
    # Those that can run a kernel that is linked in the window.
    ("trap-and-emulate", "interpreter"),
    ("trap-and-emulate", "translator"),
    ("hybrid", "interpreter"),
]

SEEDS = st.integers(0, 1 << 32)


def views(
    program: Program, monitor: str, engine: str, cycles: list[int]
) -> list[tuple[Ending, Visible]]:
    """What is to be seen at each of these cycles, up to the end if it comes before."""
    found = []
    with booted(program, monitor, engine) as machine:
        for cycle in cycles:
            ending = run_to(machine, cycle)
            found.append((ending, visible(machine)))
            if ending != ON:
                break
    return found


def check(program: Program, monitor: str, engine: str, cycles: list[int]) -> None:
    """Compare a monitor with the bare machine, saying what differs first."""
    expected = views(program, *MEASURE, cycles)
    found = views(program, monitor, engine, cycles)
    for (ending, seen), (other_ending, other_seen) in zip(expected, found, strict=False):
        where = f"at cycle {seen['cpu0.clock']}, after {len(cycles)} looks"
        assert differences(seen, other_seen) == [], where
        assert other_ending == ending, where
    assert len(found) == len(expected)


@pytest.mark.slow
@pytest.mark.parametrize(("monitor", "engine"), MONITORS)
@settings(max_examples=EXAMPLES)
@given(seed=SEEDS)
def test_the_same_at_every_system_call(monitor: str, engine: str, seed: int) -> None:
    program = random_kernel(seed).program
    found = trace(program)
    check(program, monitor, engine, [*found.calls, found.last])


@pytest.mark.slow
@pytest.mark.parametrize(("monitor", "engine"), MONITORS)
@settings(max_examples=EXAMPLES)
@given(seed=SEEDS)
def test_the_same_at_any_cycle(monitor: str, engine: str, seed: int) -> None:
    program = random_kernel(seed).program
    found = trace(program)
    rng = random.Random(seed)
    cycles = {cycle for cycle in found.cycles if rng.random() < 0.004}
    # And cycle by cycle somewhere: between branches and their slots, within the handlers.
    start = rng.randrange(len(found.cycles))
    cycles |= {*found.cycles[start : start + 60]}
    check(program, monitor, engine, [*sorted(cycles), found.last])


@pytest.mark.parametrize("monitor", ["trap-and-emulate", "hybrid"])
@settings(max_examples=max(2, EXAMPLES // 12))
@given(seed=SEEDS)
def test_the_same_under_a_monitor_in_python(monitor: str, seed: int) -> None:
    """The reference engine, and the dispatcher that is read, not compiled: slow."""
    program = random_kernel(seed).program
    found = trace(program)
    check(program, monitor, "reference", [*found.calls, found.last])


@pytest.mark.parametrize("seed", [4, 5, 9, 30496])
@pytest.mark.parametrize("monitor", ["trap-and-emulate", "hybrid"])
def test_the_timer_rings_in_its_cycle(monitor: str, seed: int) -> None:
    program = random_kernel(seed).program
    rings = trace(program).rings
    assert rings
    check(program, monitor, "interpreter", rings)


@settings(max_examples=EXAMPLES)
@given(seed=SEEDS)
def test_looking_changes_nothing(seed: int) -> None:
    """Into which pieces a run is cut does not matter; else the tests above compare too little."""
    program = random_kernel(seed).program
    rng = random.Random(seed)
    pieces = sorted(rng.sample(range(1, 60_000), 20))
    cut = views(program, *MEASURE, [*pieces, 100_000])[-1]
    whole = views(program, *MEASURE, [100_000])[-1]
    assert differences(whole[1], cut[1]) == []
    assert cut[0] == whole[0]


def shows_where_kernel_is(bare: Visible, windowed: Visible) -> bool:
    """Has a program's memory an address in kseg0 where under a monitor it has that in the window?

    Random programs seldom come by one, and what they make of it differs then.
    """
    pairs = zip(_words(bare["pages"]), _words(windowed["pages"]), strict=True)
    return any(0x80000000 <= one < 0x80100000 and one - other == 0x40000000 for one, other in pairs)


def _words(memory: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{len(memory) // 4}I", memory)


@pytest.mark.slow
@pytest.mark.parametrize(("monitor", "engine"), WINDOW_MONITORS)
@settings(max_examples=EXAMPLES, derandomize=True)
@given(seed=SEEDS)
def test_programs_cannot_tell_where_their_kernel_is_linked(
    monitor: str, engine: str, seed: int
) -> None:
    kernel = random_kernel(seed, plain=True)
    with booted(kernel.program, *MEASURE) as machine:
        ending = run_to(machine, LAST_CYCLE)
        expected = program_state(machine)
    with booted(kernel.window_program, monitor, engine) as machine:
        ended = run_to(machine, LAST_CYCLE)
        found = program_state(machine)
    # Now and then a program comes by an address of its kernel's, and goes on from that.
    assume(not shows_where_kernel_is(expected, found))
    assert ended == ending
    assert differences(expected, found) == []
