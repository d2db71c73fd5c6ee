"""The definitions of Popek and Goldberg, applied to one instruction.

An instruction is *privileged* if from any two states that differ in the mode only, and from which
it does not memory-trap, it traps in user mode and does not in kernel mode. It is
*control-sensitive* if from some state it changes mode or map without trapping;
*behaviour-sensitive* if there are two states, with the same program in them, in different modes
(mode-sensitive) or at different places in real memory (location-sensitive), from which it
completes, keeps mode and map, and leaves different programs.

"From some state" is answered by a witness. "From any" is answered by as many states as were
tried: that an instruction is privileged is what no sample contradicts. For the trap in user mode
there is more to go by, namely what the declaration had read when it trapped (`trap_reads`): where
that is Status alone, nothing else can keep it from trapping.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from kseg.analysis.execution import End, Examination, Outcome
from kseg.analysis.sampling import samples
from kseg.analysis.states import (
    CLOCK,
    LINK,
    RESOURCES,
    UNITS,
    VARIATIONS,
    State,
    moved,
    resource,
    retagged,
)
from kseg.analysis.subjects import Subject
from kseg.analysis.witnesses import (
    BEYOND_THE_PAPER,
    SENSITIVE,
    Execution,
    Witness,
    WitnessKind,
    changed,
    compared,
    reaches_window,
)

Found = tuple[WitnessKind, str, bool]
"""One witness is kept for each: what it shows, the modes, and whether a window took part."""


@dataclass
class Classification:
    """What was found out about one instruction, and the witnesses of it."""

    subject: Subject
    witnesses: dict[Found, Witness] = field(default_factory=dict)
    reads: set[str] = field(default_factory=set)
    """Fields of the processor that its declaration read, from whatever state."""
    ends: set[End] = field(default_factory=set)
    """Every way in which it ended from the sampled states."""
    trap_reads: set[str] = field(default_factory=set)
    """What it had read when it trapped in user mode."""
    pairs: int = 0
    """How many pairs of states that differ in the mode only the definition of privileged was held
    against: those in which neither memory-traps."""

    def note(self, witness: Witness) -> None:
        """Keep a witness unless there is one like it."""
        found = witness.kind, "".join(witness.modes), witness.window
        self.witnesses.setdefault(found, witness)

    def shown(self, kind: WitnessKind) -> list[Witness]:
        return [witness for witness in self.witnesses.values() if witness.kind is kind]

    @property
    def privileged(self) -> bool:
        return bool(self.shown(WitnessKind.PRIVILEGED)) and not self.shown(
            WitnessKind.NOT_PRIVILEGED
        )

    def sensitivities(
        self, *, windows: bool = True, user_only: bool = False, paper_only: bool = False
    ) -> list[Witness]:
        """Witnesses of control- and behaviour-sensitivity.

        `windows` counts those through kseg0 and kseg1 too; `user_only` only those with a state in
        user mode; `paper_only` only those that the paper's definitions know.
        """
        return [
            witness
            for witness in self.witnesses.values()
            if witness.kind in SENSITIVE
            and (windows or not witness.window)
            and (not user_only or "user" in witness.modes)
            and not (paper_only and witness.kind in BEYOND_THE_PAPER)
        ]

    @property
    def user_sensitive(self) -> bool:
        """Sensitive from some state in user mode (for the paper's Theorem 3)."""
        return bool(self.sensitivities(user_only=True))

    @property
    def clock_dependent(self) -> bool:
        return bool(self.shown(WitnessKind.CLOCK))


def classify(subject: Subject, examination: Examination, cu0: bool) -> Classification:
    """Execute `subject` from sampled states with Status.CU0 as given; apply the definitions."""
    return _Examination(subject, examination).over(samples(subject, examination, cu0))


class _Examination:
    def __init__(self, subject: Subject, examination: Examination) -> None:
        self.subject = subject
        self.examination = examination
        self.found = Classification(subject)
        self.word = 0

    def over(self, pairs: Iterator[tuple[int, State]]) -> Classification:
        for self.word, state in pairs:
            kernel, user = (self._run(state.in_mode(mode)) for mode in ("kernel", "user"))
            self.found.ends |= {kernel[1].end, user[1].end}
            if user[1].end is End.TRAPS:
                self.found.trap_reads |= user[1].reads
            self._compare_modes(kernel, user)
            sensitive = self._examine(kernel)
            self._examine(user)
            if sensitive and user[1].end in (End.COMPLETES, End.STOPS):
                self._note(WitnessKind.UNTRAPPED, kernel, user)
        return self.found

    def _run(self, state: State) -> Execution:
        outcome = self.examination.execute(self.subject.encoding, self.word, state)
        self.found.reads |= outcome.reads
        return state, outcome

    def _note(self, kind: WitnessKind, first: Execution, second: Execution) -> None:
        profile = self.examination.profile
        window = reaches_window(first[1]) or reaches_window(second[1])
        found = kind, first[0].mode + second[0].mode, window
        # Most pairs show what others have shown; making a witness takes longer than executing.
        if found not in self.found.witnesses:
            self.found.note(compared(kind, self.subject, profile, self.word, first, second))

    def _compare_modes(self, kernel: Execution, user: Execution) -> None:
        ends = kernel[1].end, user[1].end
        if ends == (End.COMPLETES, End.MEMORY_TRAPS):
            self._note(WitnessKind.TRAPS_BY_ADDRESS, kernel, user)
        if End.ASKS in ends or End.MEMORY_TRAPS in ends:
            return
        self.found.pairs += 1
        traps = ends[0] is not End.TRAPS and ends[1] is End.TRAPS
        self._note(WitnessKind.PRIVILEGED if traps else WitnessKind.NOT_PRIVILEGED, kernel, user)
        if _differ(kernel, user):
            self._note(WitnessKind.MODE, kernel, user)

    def _examine(self, execution: Execution) -> bool:
        """Look for what makes it sensitive from one state; is there anything?"""
        state, outcome = execution
        if outcome.end is End.STOPS:
            self._change(WitnessKind.CONTROL_RESOURCES, execution)
            return True
        if outcome.end in (End.ASKS, End.MEMORY_TRAPS):
            return False
        sensitive = False
        if outcome.end is End.COMPLETES:
            for kind in _control(state, outcome):
                self._change(kind, execution)
                sensitive = True
            for other in self._elsewhere(execution):
                if _differ(execution, other):
                    self._note(WitnessKind.LOCATION, execution, other)
                    sensitive = True
        return self._vary(execution) or sensitive

    def _change(self, kind: WitnessKind, execution: Execution) -> None:
        state, outcome = execution
        if (kind, state.mode, reaches_window(outcome)) not in self.found.witnesses:
            profile = self.examination.profile
            self.found.note(changed(kind, self.subject, profile, self.word, state, outcome))

    def _elsewhere(self, execution: Execution) -> Iterator[Execution]:
        """The same program elsewhere, if the instruction looked at what depends on that."""
        state, outcome = execution
        if outcome.addresses or "tlb_entry_lo" in outcome.reads:
            yield self._run(moved(state))
        if self.examination.profile.has_tlb and outcome.reads & {"entry_hi", "tlb_entry_hi"}:
            yield self._run(retagged(state))

    def _vary(self, execution: Execution) -> bool:
        """Change one resource after the other, of those that the instruction read."""
        state, outcome = execution
        sensitive = False
        for variation in VARIATIONS:
            if variation.field not in outcome.reads:
                continue
            varied = variation(state)
            if varied.interrupted():
                continue
            other = self._run(varied)
            if {outcome.end, other[1].end} == {End.COMPLETES, End.TRAPS}:
                kind = WitnessKind.TRAPS_BY_UNIT if variation is UNITS else WitnessKind.RESOURCES
                self._note(kind, execution, other)
                sensitive = sensitive or kind is WitnessKind.RESOURCES
            if _differ(execution, other):
                self._note(WitnessKind.RESOURCES, execution, other)
                sensitive = True
            if variation is CLOCK and _shows_time(outcome, other[1]):
                self._note(WitnessKind.CLOCK, execution, other)
        if LINK.field in outcome.reads:
            other = self._run(LINK(state))
            if _differ(execution, other, but=LINK.field):
                self._note(WitnessKind.SHOWS_A_TRAP, execution, other)
        return sensitive


def _control(state: State, outcome: Outcome) -> Iterator[WitnessKind]:
    """What a completed instruction changed beyond the program."""
    if outcome.mode != state.mode:
        yield WitnessKind.CONTROL_MODE
    if outcome.map != state.map:
        yield WitnessKind.CONTROL_MAP
    if outcome.resources != tuple(resource(name, state.fields[name]) for name in RESOURCES):
        yield WitnessKind.CONTROL_RESOURCES


def _differ(first: Execution, second: Execution, but: str = "") -> bool:
    """Do both complete, keeping mode and map, and leave different programs? `but` names a field
    of the program in which they may differ."""
    for state, outcome in (first, second):
        kept = (outcome.mode, outcome.map) == (state.mode, state.map)
        if outcome.end is not End.COMPLETES or not kept:
            return False
    return first[1].program_without(but) != second[1].program_without(but)


def _shows_time(first: Outcome, second: Outcome) -> bool:
    """Does anything differ between two outcomes of the same state at different times?"""
    if (first.program, first.map, first.mode) != (second.program, second.map, second.mode):
        return True
    for name, *values in zip(RESOURCES, first.resources, second.resources, strict=True):
        if name.endswith("_origin"):
            # Equal origins: the counter was left alone. Equal counts: it was set.
            counts = (one.fields["clock"] - one.fields[name] for one in (first, second))
            if len(set(values)) > 1 and len(set(counts)) > 1:
                return True
        elif len(set(values)) > 1:
            return True
    return False
