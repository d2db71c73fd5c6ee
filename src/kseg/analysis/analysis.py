"""The analysis of a whole profile."""

from collections.abc import Sequence
from dataclasses import dataclass

from kseg import progress
from kseg.analysis.classification import Classification, classify
from kseg.analysis.execution import End, Examination
from kseg.analysis.sampling import samples
from kseg.analysis.states import CODE
from kseg.analysis.subjects import Subject, subjects
from kseg.analysis.theorems import Verdict, verdicts
from kseg.analysis.witnesses import Witness, WitnessKind, compared
from kseg.isa import registers as r
from kseg.isa.profile import Profile


@dataclass(frozen=True)
class Analysis:
    """What was found out about one profile."""

    profile: Profile
    cu0: bool
    """Status.CU0 in every state that was tried: whether user mode may use CP0, where it can."""
    instructions: list[Classification]
    verdicts: list[Verdict]
    fetch: Witness
    """An instruction in kseg0, in kernel and in user mode."""

    def named(self, name: str) -> Classification:
        """The classification of the instruction called `name`; KeyError if there is none."""
        for one in self.instructions:
            if one.subject.name == name:
                return one
        raise KeyError(name)

    def verdict(self, theorem: str) -> Verdict:
        """The verdict on a theorem by its `Verdict.theorem`; KeyError if there is none."""
        for one in self.verdicts:
            if one.theorem == theorem:
                return one
        raise KeyError(theorem)


def analyse(
    profile: Profile, *, cu0: bool = False, of: Sequence[Subject] | None = None
) -> Analysis:
    """Classify the instructions of a profile, or those given in `of`, and judge the theorems.

    `cu0` is Status.CU0 in all states. Deterministic: the same arguments give the same result.
    """
    examination = Examination(profile)
    chosen = subjects(profile) if of is None else of
    found = []
    for number, subject in enumerate(chosen):
        done = progress.share(number, len(chosen))
        progress.report(f"analysing {profile.name}, CU0 {'set' if cu0 else 'clear'}: {done}")
        found.append(classify(subject, examination, cu0))
    return Analysis(profile, cu0, found, verdicts(found), _fetch(chosen, examination, cu0))


def _fetch(of: Sequence[Subject], examination: Examination, cu0: bool) -> Witness:
    """An instruction that completes in either mode, fetched from kseg0 instead of kuseg."""
    for subject in of:
        for word, state in samples(subject, examination, cu0):
            inside = state.having(pc=r.KSEG0 + CODE + 0x400, in_delay_slot=0)
            kernel, user = (
                (tried, examination.execute(subject.encoding, word, tried))
                for tried in (inside.in_mode("kernel"), inside.in_mode("user"))
            )
            if kernel[1].end is End.COMPLETES and user[1].end is End.MEMORY_TRAPS:
                return compared(
                    WitnessKind.TRAPS_BY_ADDRESS, subject, examination.profile, word, kernel, user
                )
    raise ValueError("no instruction completes in kernel mode")
