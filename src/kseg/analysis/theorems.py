"""The paper's three theorems, judged from the classifications of a profile's instructions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kseg.analysis.classification import Classification
from kseg.analysis.witnesses import WitnessKind


@dataclass(frozen=True)
class Verdict:
    theorem: str
    """ "1", "1 with windows", "1 by state", "2" or "3": see `verdicts`."""
    says: str
    holds: bool
    because: str
    offenders: tuple[str, ...]
    """The instructions by which it fails."""


def verdicts(found: Sequence[Classification]) -> list[Verdict]:
    """All verdicts on an instruction set, from the classifications of all its instructions.

    * "1": virtualisable; sensitive instructions are privileged. Accesses through kseg0 and kseg1
      are left out: the paper's processor relocates every address.
    * "1 with windows": the same over all states, by the letter of the definitions.
    * "1 by state": in each state from which an instruction is sensitive it traps, in
      whatever way, in user mode. This is what a monitor that traps and emulates lives on.
    * "2": recursively virtualisable; the first, and a monitor without timing dependencies.
    * "3": hybrid-virtualisable; user-sensitive instructions are privileged.
    """
    first = _subset("1", "virtualisable", "sensitive", found, _is_sensitive)
    return [
        first,
        _subset(
            "1 with windows",
            "the same, with kseg0 and kseg1",
            "sensitive",
            found,
            lambda one: bool(one.sensitivities()),
        ),
        _by_state(found),
        _recursive(first, found),
        _subset(
            "3", "hybrid-virtualisable", "user-sensitive", found, lambda one: one.user_sensitive
        ),
    ]


def _is_sensitive(one: Classification) -> bool:
    return bool(one.sensitivities(windows=False))


def _subset(
    theorem: str,
    says: str,
    called: str,
    found: Sequence[Classification],
    belongs: Callable[[Classification], bool],
) -> Verdict:
    members = [one for one in found if belongs(one)]
    offenders = tuple(one.subject.name for one in members if not one.privileged)
    if not members:
        because = f"no instruction is {called}"
    elif offenders:
        because = f"{len(offenders)} of {len(members)} {called} instructions are not privileged"
    else:
        paper = sum(bool(one.sensitivities(windows=False, paper_only=True)) for one in members)
        because = (
            f"all {len(members)} {called} instructions are privileged "
            f"({paper} are {called} by the paper's own definitions)"
        )
    return Verdict(theorem, says, not offenders, because, offenders)


def _by_state(found: Sequence[Classification]) -> Verdict:
    offenders = tuple(
        one.subject.name for one in found if one.shown(WitnessKind.UNTRAPPED) or _user_acts(one)
    )
    because = (
        f"{len(offenders)} instructions are sensitive in states in which user mode does not trap"
        if offenders
        else "wherever an instruction is sensitive, user mode traps"
    )
    return Verdict(
        "1 by state", "whatever is sensitive traps somehow", not offenders, because, offenders
    )


def _user_acts(one: Classification) -> bool:
    """Is it sensitive in user mode itself, where it has not trapped?"""
    return any("user" in witness.modes for witness in one.sensitivities())


def _recursive(first: Verdict, found: Sequence[Classification]) -> Verdict:
    """Of the second condition only this much can be computed: whether the clock reaches a guest
    past its monitor."""
    timed = [one for one in found if one.clock_dependent]
    leaks = tuple(one.subject.name for one in timed if not one.privileged)
    if not first.holds:
        because = "it is not virtualisable"
    elif leaks:
        because = f"{len(leaks)} instructions show the time and are not privileged"
    elif timed:
        names = ", ".join(one.subject.name for one in timed)
        because = f"what depends on the clock is privileged: {names}"
    else:
        because = "no instruction depends on the clock"
    return Verdict(
        "2",
        "recursively virtualisable",
        first.holds and not leaks,
        because,
        first.offenders + tuple(name for name in leaks if name not in first.offenders),
    )
