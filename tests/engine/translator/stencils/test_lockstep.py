"""Translations of stencils against the reference: the same state after every stretch."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.random_programs import Machine, machine
from tests.engine.translator.stencils.stencil_queue import queue
from tests.engine.translator.test_lockstep import (
    EXAMPLES,
    KINDS,
    TieringStatistics,
    run_side_by_side,
    side_by_side,
    translator,
)


@pytest.mark.slow
@pytest.mark.parametrize(("profile", "byte_order"), KINDS)
def test_loops(profile: str, byte_order: str) -> None:
    tally, shop = TieringStatistics(), queue(profile, byte_order)

    @settings(max_examples=EXAMPLES)
    @given(seed=st.integers(0, 1 << 32))
    def check(seed: int) -> None:
        tally.note(side_by_side(seed, profile, byte_order, queue=shop))

    check()
    assert 2 * tally.translated >= tally.examples


@settings(max_examples=EXAMPLES)
@given(seed=st.integers(0, 1 << 32), processors=st.integers(2, 4))
def test_loops_on_several_processors(seed: int, processors: int) -> None:
    side_by_side(seed, "mips161", "big", processors, 1000, queue("mips161", "big"))


@pytest.mark.parametrize(("profile", "byte_order"), KINDS)
@settings(max_examples=EXAMPLES)
@given(seed=st.integers(0, 1 << 32))
def test_straight_programs(profile: str, byte_order: str, seed: int) -> None:
    reference = machine("reference", profile, byte_order, seed)
    other = machine("reference", profile, byte_order, seed)
    make = translator(profile, byte_order, seed, queue=queue(profile, byte_order))
    tested = Machine(make(other.memory, list(other.engine.processors)), other.memory)
    run_side_by_side(seed, byte_order, [reference, tested], 500)
