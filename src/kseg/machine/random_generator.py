"""The pseudo-random generator behind timing jitter and the `random` device.

The additive feedback generator of degree 31 that the C library's `random()` has used since 4.3BSD
(TYPE_3 in glibc's `random_r.c`): a run with the same seed sees the same numbers as System/161.
"""

import functools
from typing import Annotated

import msgspec

DEGREE = 31
SEPARATION = 3
WARM_UP = 310
MAXIMUM = 0x7FFFFFFF


class RandomState(msgspec.Struct, frozen=True):
    """The whole state: the last 31 words, oldest first."""

    words: Annotated[list[int], msgspec.Meta(max_length=DEGREE)]


class RandomGenerator:
    """Numbers from 0 to 2**31 - 1, a pure function of the seed."""

    def __init__(self, seed: int = 1) -> None:
        self.seed(seed)

    def seed(self, seed: int) -> None:
        """Start again from `seed`, of which 32 bits count; 0 is the same as 1."""
        words, self._position = _warmed_up(seed & 0xFFFFFFFF or 1)
        self._words = list(words)

    def next(self) -> int:
        """The next number: 31 bits."""
        words, position = self._words, self._position
        word = (words[position - SEPARATION] + words[position]) & 0xFFFFFFFF
        words[position] = word
        position += 1
        self._position = 0 if position == DEGREE else position
        return word >> 1

    def copy(self) -> "RandomGenerator":
        """One that will give the same numbers."""
        other = RandomGenerator.__new__(RandomGenerator)
        other.take_over(self)
        return other

    def take_over(self, other: "RandomGenerator") -> None:
        """Go on where another one stands."""
        self._words = list(other._words)
        self._position = other._position

    def save(self) -> RandomState:
        return RandomState(self._words[self._position :] + self._words[: self._position])

    def load(self, state: RandomState) -> None:
        if len(state.words) != DEGREE or any(not 0 <= word < 1 << 32 for word in state.words):
            raise ValueError(f"a random generator's state is {DEGREE} 32-bit words")
        self._words = list(state.words)
        self._position = 0


@functools.lru_cache(16)
def _warmed_up(word: int) -> tuple[tuple[int, ...], int]:
    """The words and the position after seeding: the same seeds come again and again, and warming
    up is a tenth of what building a machine takes."""
    generator = RandomGenerator.__new__(RandomGenerator)
    words = [word]
    # The recurrence is on C's signed int: division truncates towards zero.
    signed = word - (1 << 32) if word & 0x80000000 else word
    for _ in range(1, DEGREE):
        high = abs(signed) // 127773 * (1 if signed >= 0 else -1)
        low = signed - high * 127773
        signed = 16807 * low - 2836 * high
        if signed < 0:
            signed += MAXIMUM
        words.append(signed)
    # The front of the queue starts SEPARATION words in, so the oldest word is there.
    generator._words = words[SEPARATION:] + words[:SEPARATION]
    generator._position = 0
    for _ in range(WARM_UP):
        generator.next()
    return tuple(generator._words), generator._position
