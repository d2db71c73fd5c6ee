"""A compile queue that makes translations of stencils, for tests."""

from functools import cache

import pytest

from kseg.engine.codegen import targets
from kseg.engine.translator.compilation.messages import Answer, Request
from kseg.engine.translator.stencils import Stencils, load


class StencilCompileQueue:
    """Answers at once, without a compiler."""

    seconds = 0.0

    def __init__(self, stencils: Stencils) -> None:
        self.pending = 0
        self._stencils = stencils
        self._answers: list[Answer] = []

    def submit(self, request: Request) -> None:
        self._answers.append(Answer(request.number, self._stencils.translate(request)))
        self.pending += 1

    def collect(self) -> list[Answer]:
        answers, self._answers = self._answers, []
        self.pending = 0
        return answers

    def close(self) -> None:
        self._answers = []
        self.pending = 0


@cache
def loaded(profile: str, byte_order: str) -> Stencils:
    """The stencils, from the cache or made now; skips the test on hosts that have none."""
    if not targets.native().has_stencils:
        pytest.skip("stencils are for x86-64")
    stencils = load(profile, byte_order)
    assert stencils is not None
    return stencils


def queue(profile: str, byte_order: str) -> StencilCompileQueue:
    """The queue of a profile and byte order; skips the test on hosts that have no stencils."""
    return StencilCompileQueue(loaded(profile, byte_order))
