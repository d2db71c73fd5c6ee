"""Tracing: every engine records the same events, and executes the same with and without it."""

import os
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kseg.engine import Exit, ExitReason
from kseg.engine.contract import Traceable
from kseg.engine.tracing import (
    DELAY_SLOT,
    KINDS,
    MOST_RANGES,
    RECORD,
    REFILL,
    USER,
    TraceFilter,
    TraceKind,
    TraceRecord,
    destination,
    unpack,
)
from kseg.isa.assembler import assemble
from tests.engine.random_programs import Machine, machine, run_side_by_side
from tests.engine.test_debugging import START, debuggable, program

CYCLES = 250
EXAMPLES = int(os.environ.get("KSEG_LOCKSTEP_EXAMPLES", "25"))
ENGINES = ("reference", "interpreter", "translator")
KINDS_OF_PROCESSORS = [("mips161", "big"), ("r3000", "little"), ("lsi", "little")]

seen: Counter[TraceKind] = Counter()


def traceable(each: Machine) -> Traceable:
    assert isinstance(each.engine, Traceable)
    return each.engine


def random_filter(rng: random.Random, vm: Machine) -> TraceFilter | None:
    """A filter: half of the time, all that there is."""
    if rng.random() < 0.1:
        return None
    if rng.random() < 0.5:
        return TraceFilter()

    def some() -> frozenset[TraceKind]:
        return frozenset(rng.sample(list(TraceKind), rng.randrange(len(TraceKind) + 1)))

    ranges = []
    for _ in range(rng.choice((0, 0, 1, MOST_RANGES))):
        near = (rng.choice(vm.engine.processors).pc + 4 * rng.randrange(-9, 9)) & 0xFFFFFFFF
        ranges.append((near, min(near + rng.choice((0, 64, 4096, 1 << 31)), 0xFFFFFFFF)))
    numbers = range(len(vm.engine.processors))
    clock = vm.engine.clock
    return TraceFilter(
        kernel=some(),
        user=some(),
        processors=rng.choice((None, frozenset(rng.sample(numbers, 1)))),
        ranges=tuple(ranges),
        asids=rng.choice((None, None, frozenset((0, 1)), frozenset((1, 63)))),
        first_cycle=rng.choice((0, 0, clock + 9)),
        last_cycle=rng.choice((1 << 62, clock + 60)),
    )


def run_traced(seed: int, reference: Machine, tested: Machine, points: bool = False) -> None:
    """Run both side by side, with filters that change now and then; `points`: also with
    breakpoints."""
    rng = random.Random(seed + 3)
    both = [reference, tested]
    wanted: TraceFilter | None = TraceFilter()
    for each in both:
        traceable(each).set_trace(wanted)

    def before(machines: list[Machine]) -> None:
        if rng.random() < 0.1:
            changed = random_filter(rng, machines[0])
            for each in machines:
                traceable(each).set_trace(changed)
        if points and rng.random() < 0.3:
            places = {state.pc + 4 & 0xFFFFFFFC for state in machines[0].engine.processors}
            for each in machines:
                debuggable(each).set_breakpoints(places)

    def after(_exit: Exit) -> None:
        if rng.random() < 0.5:
            compare()

    def compare() -> None:
        expected, found = (traceable(each).take_trace() for each in both)
        assert list(unpack(found)) == list(unpack(expected))
        seen.update(TraceKind(record.kind) for record in unpack(found))

    run_side_by_side(seed, reference, tested, CYCLES, before, after)
    compare()


@pytest.mark.parametrize(("profile", "byte_order"), KINDS_OF_PROCESSORS)
@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=st.integers(0, 1 << 32), points=st.booleans())
def test_random_programs(profile: str, byte_order: str, seed: int, points: bool) -> None:
    run_traced(
        seed,
        machine("reference", profile, byte_order, seed),
        machine("interpreter", profile, byte_order, seed),
        points,
    )


@pytest.mark.parametrize("quantum", [1, 4])
@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=st.integers(0, 1 << 32), processors=st.integers(2, 5))
def test_several_processors(quantum: int, seed: int, processors: int) -> None:
    run_traced(
        seed,
        machine("reference", "mips161", "big", seed, processors, quantum),
        machine("interpreter", "mips161", "big", seed, processors, quantum),
    )


def test_random_programs_have_every_kind_of_event() -> None:
    """What the tests above compare is not mostly nothing."""
    seen.clear()
    for profile, byte_order in KINDS_OF_PROCESSORS:
        for seed in range(60):
            run_traced(
                seed,
                machine("reference", profile, byte_order, seed),
                machine("interpreter", profile, byte_order, seed),
            )
    assert all(seen[kind] > 20 for kind in TraceKind), seen
