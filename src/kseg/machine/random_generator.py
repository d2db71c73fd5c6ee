"""The pseudo-random generator behind timing jitter and the `random` device.

The additive feedback generator of degree 31 that the C library's `random()` has used since 4.3BSD
(TYPE_3 in glibc's `random_r.c`): a run with the same seed sees the same numbers as System/161.
"""

import ctypes
import functools
from typing import Annotated

import msgspec

from kseg.engine.codegen.typed import Structure, u32

DEGREE = 31
SEPARATION = 3
WARM_UP = 310
MAXIMUM = 0x7FFFFFFF


class RandomState(msgspec.Struct, frozen=True):
    """The whole state: the last 31 words, oldest first."""

    words: Annotated[list[int], msgspec.Meta(max_length=DEGREE)]


class RandomGenerator(Structure):
    """Numbers from 0 to 2**31 - 1, a pure function of the seed. Typed Python."""

    words: Annotated[ctypes.Array[ctypes.c_uint32], DEGREE]
    position: u32

    def __init__(self, seed: int = 1) -> None:
        super().__init__()
        self.seed(seed)

    def seed(self, seed: int) -> None:
        """Start again from `seed`, of which 32 bits count; 0 is the same as 1."""
        ctypes.memmove(ctypes.addressof(self), _warmed_up(seed & 0xFFFFFFFF or 1), _SIZE)

    def next(self) -> u32:
        """The next number: 31 bits."""
        position = self.position % DEGREE
        before = (position + DEGREE - SEPARATION) % DEGREE
        word = u32(self.words[before] + self.words[position])
        self.words[position] = word
        self.position = (position + 1) % DEGREE
        return word >> 1

    def copy(self) -> "RandomGenerator":
        """One that will give the same numbers."""
        other = RandomGenerator()
        other.take_over(self)
        return other

    def take_over(self, other: "RandomGenerator") -> None:
        """Go on where another one stands."""
        ctypes.memmove(ctypes.addressof(self), ctypes.addressof(other), _SIZE)

    def save(self) -> RandomState:
        words = list(self.words)
        return RandomState(words[self.position :] + words[: self.position])

    def load(self, state: RandomState) -> None:
        if len(state.words) != DEGREE or any(not 0 <= word < 1 << 32 for word in state.words):
            raise ValueError(f"a random generator's state is {DEGREE} 32-bit words")
        self.words[:] = list(state.words)
        self.position = 0


_SIZE = ctypes.sizeof(RandomGenerator)


@functools.lru_cache(16)
def _warmed_up(word: int) -> bytes:
    """A generator after seeding: the same seeds come again and again, and warming up is a tenth of
    what building a machine takes."""
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
    words = words[SEPARATION:] + words[:SEPARATION]
    for _ in range(WARM_UP // DEGREE):
        for position in range(DEGREE):
            words[position] = words[position - SEPARATION] + words[position] & 0xFFFFFFFF
    return bytes((ctypes.c_uint32 * (DEGREE + 1))(*words))
