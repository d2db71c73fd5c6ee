"""The interpreter against the reference: the same state after every stretch of random code."""

import os
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kseg.engine import ExitReason
from tests.engine.random_programs import Machine, Surroundings, machine

CYCLES = 250
EXAMPLES = int(os.environ.get("KSEG_LOCKSTEP_EXAMPLES", "25"))

KINDS = [
    ("mips161", "big"),
    ("r3000", "little"),
    ("r3000", "big"),
    ("lsi", "little"),
]


def run_side_by_side(seed: int, reference: Machine, tested: Machine) -> None:
    """Run both, comparing everything after every run; steady answers must change nothing."""
    around = Surroundings(seed)
    both = [reference, tested]
    for _ in count():
        if reference.engine.clock > CYCLES:
            break
        cycles = around.cycles()
        expected, found = reference.engine.run(cycles), tested.engine.run(cycles)
        assert found == expected
        assert tested.engine.clock == reference.engine.clock
        assert tested.processors == reference.processors
        if expected.reason is ExitReason.FATAL:
            break
        if not around.answer(both, expected):
            around.disturb(both, expected.reason is ExitReason.IDLE)
    assert tested.contents == reference.contents


@pytest.mark.parametrize(("profile", "byte_order"), KINDS)
@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=st.integers(0, 1 << 32))
def test_one_processor(profile: str, byte_order: str, seed: int) -> None:
    run_side_by_side(
        seed,
        machine("reference", profile, byte_order, seed),
        machine("interpreter", profile, byte_order, seed),
    )


@pytest.mark.parametrize("quantum", [1, 4])
@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=st.integers(0, 1 << 32), processors=st.integers(2, 5))
def test_several_processors(quantum: int, seed: int, processors: int) -> None:
    run_side_by_side(
        seed,
        machine("reference", "mips161", "big", seed, processors, quantum),
        machine("interpreter", "mips161", "big", seed, processors, quantum),
    )
