"""What a stencil is, and what it is called: plain data, so that a file can keep it."""

from collections.abc import Iterable

import msgspec

Patch = tuple[int, str, int]
"""Offset of four bytes, what they are to hold, and what is to be added to that."""


class Stencil(msgspec.Struct, frozen=True, array_like=True):
    """Native code with holes. Control comes in at its beginning and goes on behind its end."""

    code: bytes
    holes: list[Patch]
    """32-bit numbers by name: operands, offsets, cycles."""
    distances: list[Patch]
    """Distances, from the place itself, to what the name says: where else control goes, or a
    variable of the translation's."""


class Family(msgspec.Struct, frozen=True, array_like=True):
    """The stencils of one operation: one for each combination of what is special about it."""

    reads: str
    """The letters of the register operands that it reads."""
    result: str
    """The letter of the register operand whose new value it leaves in the accumulator; "" if it
    leaves the accumulator alone."""
    spelled: str
    """The letters of operands that have a stencil for each value."""
    loads: bool
    """It writes a register after the load delay, and so has a stencil for each state of the load
    before."""
    patterns: list[tuple[int, int]]
    """The words that are this operation, as (mask, match), unless they are one before it."""


class StencilImage(msgspec.Struct, frozen=True, array_like=True):
    """All stencils of a profile and byte order."""

    stencils: dict[str, Stencil]
    families: dict[str, Family]
    """By name, the more specific ones first."""


ZERO, IN_ACCUMULATOR, IN_MEMORY = "z", "a", "m"
"""Where a register operand is: nowhere, since it is register 0; in the accumulator, which the
stencil before left it in; in the processor's state."""

NONE_PENDING, SAME_PENDING, OTHER_PENDING = "n", "s", "o"
"""Whether the load before has yet to arrive, and if so, in this load's register or another."""


def stencil_name(
    operation: str,
    places: Iterable[tuple[str, str]],
    spelled: Iterable[tuple[str, int]],
    pending: str,
) -> str:
    """The stencil of an operation with its register operands in `places`, by letter, and the given
    values of the operands that are spelled out."""
    parts = [letter + place for letter, place in places]
    parts += [f"{letter}{value}" for letter, value in spelled]
    return ".".join([operation, *parts, pending])


def signed_name(letter: str) -> str:
    """The hole for an operand extended by its sign."""
    return f"{letter}_signed"
