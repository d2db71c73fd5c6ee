"""The instruction set of one profile: decoding, derived from the declarations."""

from dataclasses import dataclass
from functools import cache, lru_cache

from kseg.isa import instructions  # noqa: F401 - declares every instruction
from kseg.isa.instruction import DECLARED, Instruction
from kseg.isa.pattern import Pattern, PatternError
from kseg.isa.profile import PROFILES, Profile

DECODED_KEPT = 1 << 14
"""Instruction words whose decoding is remembered: programs repeat themselves."""


@dataclass(frozen=True)
class Encoding:
    pattern: Pattern
    instruction: Instruction

    def operands(self, word: int) -> list[int]:
        """The raw operand fields of `word`, in the order of the meaning's parameters."""
        fields = self.pattern.fields
        return [fields[letter].extract(word) for letter in self.instruction.operands]


class InstructionSet:
    """Every instruction of a profile, found by its bits."""

    def __init__(self, profile: Profile) -> None:
        """Collect the profile's instructions; PatternError if two of their patterns overlap."""
        self.profile = profile
        self.encodings = [
            Encoding(pattern, declared)
            for declared in sorted(DECLARED, key=lambda declared: declared.is_rest)
            if declared.exists_in(profile)
            for pattern in declared.patterns_in(profile)
        ]
        self.by_name = {each.instruction.name: each.instruction for each in self.encodings}
        self._by_major: list[list[Encoding]] = [[] for _ in range(64)]
        for encoding in self.encodings:
            for major in range(64):
                fixed = encoding.pattern.mask >> 26
                if major & fixed == encoding.pattern.match >> 26:
                    for other in self._by_major[major]:
                        known = not encoding.instruction.is_rest
                        if known and other.pattern.overlaps(encoding.pattern):
                            raise PatternError(
                                f"{profile.name}: {encoding.instruction.name} "
                                f"{encoding.pattern.text!r} overlaps {other.instruction.name} "
                                f"{other.pattern.text!r}"
                            )
                    self._by_major[major].append(encoding)

        self.decode = lru_cache(DECODED_KEPT)(self._decode)
        """The encoding that a word fits, or None for a reserved instruction."""

    def _decode(self, word: int) -> Encoding | None:
        for encoding in self._by_major[word >> 26]:
            if encoding.pattern.matches(word):
                return encoding
        return None


@cache
def instruction_set(profile_name: str) -> InstructionSet:
    """The instruction set of the profile called `profile_name`."""
    return InstructionSet(PROFILES[profile_name])


def check_all() -> None:
    """Build every profile's instruction set: overlapping patterns are an error at import."""
    for name in PROFILES:
        instruction_set(name)


check_all()
