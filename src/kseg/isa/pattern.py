"""Bit patterns: an instruction's 32 bits as the manual prints them.

In ``"000000 sssss ttttt ddddd ----- 100001"`` a 0 or 1 is a fixed bit, a letter names the field
to which the bit belongs (most significant first), and ``-`` is a bit that the processor ignores.
Blanks only make it readable.
"""

from dataclasses import dataclass
from functools import cached_property


class PatternError(ValueError):
    """A bit pattern is malformed, or two patterns overlap."""


@dataclass(frozen=True)
class Field:
    """Bits `low` to `low + width - 1` of an instruction."""

    low: int
    width: int

    def extract(self, instruction: int) -> int:
        """The field's unsigned value in `instruction`."""
        return (instruction >> self.low) & ((1 << self.width) - 1)

    def insert(self, value: int) -> int:
        """`value` shifted to the field's place; ValueError when it does not fit."""
        if not 0 <= value < 1 << self.width:
            raise ValueError(f"{value} does not fit in {self.width} bits")
        return value << self.low


@dataclass(frozen=True)
class Pattern:
    """A parsed bit pattern: `word & mask == match` is the test for it."""

    text: str

    def __post_init__(self) -> None:
        bits = self.text.replace(" ", "")
        if len(bits) != 32 or not all(bit in "01-" or bit.islower() for bit in bits):
            raise PatternError(f"{self.text!r} is not 32 characters of 0, 1, - and a to z")
        for letter in set(bits) - set("01-"):
            first, last = bits.index(letter), bits.rindex(letter)
            if set(bits[first : last + 1]) != {letter}:
                raise PatternError(f"field {letter} of {self.text!r} is in two pieces")

    @cached_property
    def bits(self) -> str:
        """The pattern without blanks, most significant bit first."""
        return self.text.replace(" ", "")

    @cached_property
    def mask(self) -> int:
        """Ones where the pattern fixes a bit."""
        return int("".join("1" if bit in "01" else "0" for bit in self.bits), 2)

    @cached_property
    def match(self) -> int:
        """The fixed bits."""
        return int("".join("1" if bit == "1" else "0" for bit in self.bits), 2)

    @cached_property
    def fields(self) -> dict[str, Field]:
        """The fields by letter, from the most significant one."""
        found: dict[str, Field] = {}
        for letter in dict.fromkeys(self.bits):
            if letter not in "01-":
                last = self.bits.rindex(letter)
                found[letter] = Field(31 - last, last - self.bits.index(letter) + 1)
        return found

    def matches(self, instruction: int) -> bool:
        return instruction & self.mask == self.match

    def overlaps(self, other: "Pattern") -> bool:
        """Is there an instruction that fits both patterns?"""
        common = self.mask & other.mask
        return self.match & common == other.match & common
