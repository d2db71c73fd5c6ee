"""A smaller plan that fails as a larger one does: delta debugging.

Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (IEEE Transactions on
Software Engineering 28, 2002), the algorithm ddmin.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")

MOST_TRIALS = 400


def shrink(items: Sequence[Item], fails: Callable[[list[Item]], bool]) -> list[Item]:
    """Some of `items`, in order, for which `fails` still holds, and not without any one of them;
    it must hold for all of them. After `MOST_TRIALS` questions, the best so far."""
    left = list(items)
    if left and fails([]):
        return []
    parts = 2
    trials = 1
    while len(left) > 1 and trials < MOST_TRIALS:
        size = -(-len(left) // parts)
        pieces = [left[begin : begin + size] for begin in range(0, len(left), size)]
        without = [
            [item for other in pieces[:number] + pieces[number + 1 :] for item in other]
            for number in range(len(pieces))
        ]
        # With two parts, each is what the other leaves.
        candidates = without if len(pieces) == 2 else [*pieces, *without]
        for number, candidate in enumerate(candidates):
            trials += 1
            if fails(candidate):
                kept_one = len(pieces) == 2 or number < len(pieces)
                left, parts = candidate, 2 if kept_one else max(parts - 1, 2)
                break
            if trials >= MOST_TRIALS:
                break
        else:
            if size == 1:
                break
            parts = min(2 * parts, len(left))
    return left
