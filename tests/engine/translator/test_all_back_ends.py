"""Both tiers and translations kept from before, all at once, against the reference."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kseg.engine.translator.compilation.compile_queue import InlineCompileQueue
from kseg.engine.translator.compilation.messages import Answer, Request, Translation
from kseg.engine.translator.tiering.policy import BackEnds
from tests.engine.translator.stencils.stencil_queue import loaded
from tests.engine.translator.test_lockstep import EXAMPLES, KINDS, TieringStatistics, side_by_side

_INLINE = InlineCompileQueue()


class Remembering:
    """A queue whose answers come late, and that keeps them for the next machine."""

    seconds = 0.0

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.kept: dict[int, list[Translation]] = {}
        self._requests: list[Request] = []

    @property
    def pending(self) -> int:
        return len(self._requests)

    def submit(self, request: Request) -> None:
        self._requests.append(request)

    def collect(self) -> list[Answer]:
        answers = []
        while self._requests and self.rng.random() < 0.6:
            request = self._requests.pop(0)
            _INLINE.submit(request)
            answers += _INLINE.collect()
            translation = answers[-1].translation
            if translation is not None:
                self.kept.setdefault(request.seed >> 12, []).append(translation)
        return answers

    def close(self) -> None:
        self._requests = []

    def find(self, page: int) -> list[Translation]:
        return list(self.kept.get(page, []))


@pytest.mark.parametrize(("profile", "byte_order"), KINDS)
def test_loops(profile: str, byte_order: str) -> None:
    tally = TieringStatistics()

    @settings(max_examples=max(1, EXAMPLES // 2))
    @given(seed=st.integers(0, 1 << 32), processors=st.integers(1, 2))
    def check(seed: int, processors: int) -> None:
        shop = Remembering(seed)
        stencils = loaded(profile, byte_order)
        for more in (
            BackEnds(stencils=lambda: stencils),
            BackEnds(stencils=lambda: stencils, store=lambda: shop),
            BackEnds(store=lambda: shop),
        ):
            tally.note(side_by_side(seed, profile, byte_order, processors, 500, shop, more))

    check()
    assert 2 * tally.translated >= tally.examples
