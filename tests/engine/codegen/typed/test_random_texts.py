"""Whatever compiles does natively what CPython does."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.codegen.typed.random_texts import Writer, arguments
from tests.engine.codegen.typed.texts import compiled, defined

FUNCTIONS = 4


def check(rng: Random) -> None:
    names = [f"f{number}" for number in range(FUNCTIONS)]
    source = "ROWS = (3, -1, 1 << 40)\n" + "".join(Writer(rng).function(name) for name in names)
    text = defined(source)
    python = {name: getattr(text, name) for name in names}
    native = compiled(*python.values())
    for name in names:
        for _ in range(12):
            given_ = arguments(rng)
            assert native[name](*given_) == python[name](*given_), f"{given_} to\n{source}"


@settings(max_examples=4)
@given(st.integers(0, 1 << 32))
def test_random_functions(seed: int) -> None:
    check(Random(seed))


@pytest.mark.slow
@settings(max_examples=300)
@given(st.integers(0, 1 << 32))
def test_many_random_functions(seed: int) -> None:
    check(Random(seed))
