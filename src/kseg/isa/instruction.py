"""`@instruction`: declares one instruction by its bits, its assembly syntax and its meaning."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from kseg.isa.pattern import Pattern
from kseg.isa.profile import Profile

Meaning = Callable[..., None]


@dataclass(frozen=True)
class Instruction:
    name: str
    pattern: Pattern
    syntax: str
    """Mnemonic and operands, operands named by the letters of the pattern's fields."""
    meaning: Meaning = field(repr=False)
    profiles: frozenset[str] | None
    """The profiles that have it; None for all."""
    also: Mapping[str, tuple[Pattern, ...]]
    """Further patterns that a profile decodes as this instruction."""
    is_branch: bool
    """It has a delay slot."""
    constants: frozenset[str]
    """Operands that are plain ints in every engine, so that the meaning may branch on them."""
    operands: tuple[str, ...]
    """The meaning's parameters after the processor, each a field's letter."""
    floating_point: bool = False
    """Only profiles with a floating-point unit have it."""
    is_probe: bool = False
    """It goes without the unit, too, where there could be one."""
    is_rest: bool = False
    """It is what no other instruction's pattern fits."""

    @property
    def summary(self) -> str:
        """The first paragraph of the meaning's docstring."""
        return (inspect.getdoc(self.meaning) or "").split("\n\n")[0].replace("\n", " ")

    @property
    def documentation(self) -> str:
        return inspect.getdoc(self.meaning) or ""

    def exists_in(self, profile: Profile) -> bool:
        """Does the processor profile have this instruction?"""
        if self.floating_point and not profile.has_floating_point:
            return self.is_probe and profile.floating_point == "absent"
        return self.profiles is None or profile.family in self.profiles

    def patterns_in(self, profile: Profile) -> tuple[Pattern, ...]:
        """All patterns that decode as this instruction in a profile."""
        return (self.pattern, *self.also.get(profile.family, ()))


DECLARED: list[Instruction] = []
"""Every declared instruction, in the order of declaration."""


def instruction(
    pattern: str,
    syntax: str,
    *,
    profiles: str | None = None,
    also: Mapping[str, tuple[str, ...]] | None = None,
    branch: bool = False,
    constants: str = "",
    floating_point: bool = False,
    probe: bool = False,
    rest: bool = False,
) -> Callable[[Meaning], Meaning]:
    """Declare the decorated function as the meaning of an instruction.

    `profiles` names the profiles that have it, blank-separated (default: all); `also` gives
    further patterns by profile; `branch` says that a delay slot follows; `constants` are the
    operand letters on whose value the function may use Python's `if`; `floating_point` says that it
    needs a floating-point unit (`probe`: or its empty place); `rest`, that other instructions'
    patterns go before this one.
    Raises ValueError when a parameter of the function is not a field of the pattern.
    """

    def declare(meaning: Meaning) -> Meaning:
        parsed = Pattern(pattern)
        operands = tuple(inspect.signature(meaning).parameters)[1:]
        for operand in operands:
            if operand not in parsed.fields:
                raise ValueError(f"{meaning.__name__}: no field {operand} in {pattern!r}")
        DECLARED.append(
            Instruction(
                name=syntax.split()[0],
                pattern=parsed,
                syntax=syntax,
                meaning=meaning,
                profiles=None if profiles is None else frozenset(profiles.split()),
                also={
                    name: tuple(Pattern(text) for text in texts)
                    for name, texts in (also or {}).items()
                },
                is_branch=branch,
                constants=frozenset(constants),
                operands=operands,
                floating_point=floating_point,
                is_probe=probe,
                is_rest=rest,
            )
        )
        return meaning

    return declare
