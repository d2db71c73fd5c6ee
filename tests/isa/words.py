"""Random instruction words, as hypothesis strategies."""

from dataclasses import dataclass

from hypothesis import assume
from hypothesis import strategies as st

from kseg.isa.instruction_set import Encoding, instruction_set
from kseg.isa.profile import PROFILES

PROFILE_NAMES = tuple(PROFILES)
ENCODINGS = [
    (name, encoding) for name in PROFILE_NAMES for encoding in instruction_set(name).encodings
]


@dataclass(frozen=True)
class Sample:
    """A word, and what it is."""

    profile: str
    encoding: Encoding
    word: int


@st.composite
def samples(draw: st.DrawFn, ignored_bits: bool = False, main_pattern: bool = False) -> Sample:
    """A word that decodes, with random operands.

    `ignored_bits`: the bits that the processor ignores are random too, otherwise zero.
    `main_pattern`: only words of an instruction's own pattern, none of a profile's extra ones.
    """
    profile, encoding = draw(st.sampled_from(ENCODINGS))
    pattern = encoding.instruction.pattern if main_pattern else encoding.pattern
    word = pattern.match
    for field in pattern.fields.values():
        # Zero is what many pseudo-instructions and optional operands turn on.
        word |= field.insert(draw(st.just(0) | st.integers(0, (1 << field.width) - 1)))
    if ignored_bits:
        ignored = int("".join("1" if bit == "-" else "0" for bit in pattern.bits), 2)
        word |= draw(st.integers(0, 0xFFFFFFFF)) & ignored
    if encoding.instruction.is_rest:  # Other instructions have some of its words.
        found = instruction_set(profile).decode(word)
        assume(found is not None and found.instruction is encoding.instruction)
    return Sample(profile, Encoding(pattern, encoding.instruction), word)
