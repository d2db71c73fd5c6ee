"""The interpreter against the reference: the same state after every stretch of random code."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.random_programs import machine, run_side_by_side

CYCLES = 250
EXAMPLES = int(os.environ.get("KSEG_LOCKSTEP_EXAMPLES", "25"))

KINDS = [
    ("mips161", "big"),
    ("r3000", "little"),
    ("r3000", "big"),
    ("lsi", "little"),
    ("r3000-fpu", "little"),
    ("r3000-interlocked", "little"),
    ("r3000-fpu", "big"),
    ("r3000-r3010", "little"),
]


@pytest.mark.parametrize(("profile", "byte_order"), KINDS)
@settings(max_examples=EXAMPLES)
@given(seed=st.integers(0, 1 << 32))
def test_one_processor(profile: str, byte_order: str, seed: int) -> None:
    run_side_by_side(
        seed,
        machine("reference", profile, byte_order, seed),
        machine("interpreter", profile, byte_order, seed),
        CYCLES,
    )


@pytest.mark.parametrize("quantum", [1, 4])
@settings(max_examples=EXAMPLES)
@given(seed=st.integers(0, 1 << 32), processors=st.integers(2, 5))
def test_several_processors(quantum: int, seed: int, processors: int) -> None:
    run_side_by_side(
        seed,
        machine("reference", "mips161", "big", seed, processors, quantum),
        machine("interpreter", "mips161", "big", seed, processors, quantum),
        CYCLES,
    )
