"""Witnesses: the states and outcomes that show what an instruction is."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from kseg.analysis.execution import End, Outcome
from kseg.analysis.states import (
    PAGE,
    PAGES,
    PROGRAM,
    RESOURCES,
    Shown,
    State,
    resource,
)
from kseg.analysis.subjects import Subject
from kseg.isa import registers as r
from kseg.isa.exceptions import MNEMONICS
from kseg.isa.profile import Profile
from kseg.isa.registers import GPR_NAMES


class WitnessKind(Enum):
    """What a witness shows. The values are those of the JSON report."""

    PRIVILEGED = "privileged"
    """Traps in user mode, does not in kernel mode; and no other pair of states says otherwise."""
    NOT_PRIVILEGED = "not privileged"
    """A pair of states that says otherwise."""
    CONTROL_MODE = "control: mode"
    CONTROL_MAP = "control: map"
    CONTROL_RESOURCES = "control: resources"
    """Beyond the paper, which has no such state."""
    MODE = "behaviour: mode"
    LOCATION = "behaviour: location"
    RESOURCES = "behaviour: resources"
    """Beyond the paper."""
    CLOCK = "clock"
    """Something depends on the time; the resources that it leaves count too."""
    TRAPS_BY_ADDRESS = "traps by address"
    """Completes in kernel mode, memory-traps in user mode: no matter of the definitions."""
    TRAPS_BY_UNIT = "traps by unit"
    """Traps or not as the CU bits of coprocessors 1 to 3 say, in either mode."""
    SHOWS_A_TRAP = "shows a trap"
    """Tells whether a trap has come since LL: an exception clears its link."""
    UNTRAPPED = "sensitive and untrapped"
    """A state from which it is sensitive, and the same state in user mode does not trap."""


CONTROL = (WitnessKind.CONTROL_MODE, WitnessKind.CONTROL_MAP, WitnessKind.CONTROL_RESOURCES)
BEHAVIOUR = (WitnessKind.MODE, WitnessKind.LOCATION, WitnessKind.RESOURCES)
SENSITIVE = (*CONTROL, *BEHAVIOUR)
BEYOND_THE_PAPER = (WitnessKind.CONTROL_RESOURCES, WitnessKind.RESOURCES)


@dataclass(frozen=True)
class Witness:
    """One or two states from which an instruction was executed, and what came of it."""

    kind: WitnessKind
    word: int
    disassembly: str
    states: tuple[Shown, ...]
    """The mode, the registers that the instruction names, and what differs."""
    outcomes: tuple[Shown, ...]
    """How it ended from each state, and what differs afterwards; or what it changed, where there
    is one state."""
    modes: tuple[str, ...]
    """ "kernel" or "user", for each state."""
    window: bool
    """The instruction reached through kseg0 or kseg1, around the map."""


Execution = tuple[State, Outcome]


def compared(
    kind: WitnessKind,
    subject: Subject,
    profile: Profile,
    word: int,
    first: Execution,
    second: Execution,
) -> Witness:
    """The witness of a pair of states: what differs between them, before and after."""
    pair = (first, second)
    inputs = _inputs(first[0], first[1], second[1])
    before = _differences(*(_state_values(state) for state, _ in pair))
    words = sorted({address % PAGE & ~3 for _, outcome in pair for address in outcome.addresses})
    after = _differences(*(_outcome_values(outcome, words) for _, outcome in pair))
    return Witness(
        kind=kind,
        word=word,
        disassembly=subject.text(word, first[0].fields["pc"], profile),
        states=tuple(
            {"mode": state.mode, **inputs, **different}
            for (state, _), different in zip(pair, before, strict=True)
        ),
        outcomes=tuple(
            _ending(outcome) | (different if _both_complete(pair) else {})
            for (_, outcome), different in zip(pair, after, strict=True)
        ),
        modes=tuple(state.mode for state, _ in pair),
        window=any(reaches_window(outcome) for _, outcome in pair),
    )


def changed(
    kind: WitnessKind, subject: Subject, profile: Profile, word: int, state: State, outcome: Outcome
) -> Witness:
    """The witness of one state: what the instruction changed beyond the program."""
    before, after = _differences(_beyond(state), _beyond(outcome))
    return Witness(
        kind=kind,
        word=word,
        disassembly=subject.text(word, state.fields["pc"], profile),
        states=({"mode": state.mode, **_inputs(state, outcome), **before},),
        outcomes=({**_ending(outcome), **after},),
        modes=(state.mode,),
        window=reaches_window(outcome),
    )


def reaches_window(outcome: Outcome) -> bool:
    """Did the instruction use an address in kseg0 or kseg1?"""
    return any(r.KSEG0 <= address < r.KSEG2 for address in outcome.addresses)


def _both_complete(pair: tuple[Execution, Execution]) -> bool:
    return all(outcome.end is End.COMPLETES for _, outcome in pair)


def _ending(outcome: Outcome) -> Shown:
    text = outcome.end.value
    if outcome.code is not None:
        text += f": {MNEMONICS[outcome.code]}"
    return {"end": text}


def _inputs(state: State, *outcomes: Outcome) -> Shown:
    """The general registers that the instruction read, from whichever state."""
    reads = frozenset().union(*(outcome.reads for outcome in outcomes))
    named = enumerate(GPR_NAMES)
    return {name: f"{state.gpr[number]:#010x}" for number, name in named if name in reads}


def _differences(first: Shown, second: Shown) -> tuple[Shown, Shown]:
    names = [name for name in first if first[name] != second.get(name)]
    return {name: first[name] for name in names}, {name: second[name] for name in names}


def _state_values(state: State) -> Shown:
    shown = _beyond(state)
    shown["ll_pending"] = str(state.fields["ll_pending"])
    shown["clock"] = str(state.fields["clock"])
    shown["frames"] = " ".join(str(frame) for frame in state.frames)
    return shown


def _beyond(of: State | Outcome) -> Shown:
    """Mode, map and resources by name."""
    fields = of.fields
    shown = {"mode": of.mode}
    asid = (fields["entry_hi"] & r.ASID_MASK) >> 6
    shown["asid"] = str(asid)
    shown["isc, swc"] = f"{fields['status'] >> 16 & 3:02b}"
    for name in RESOURCES:
        digits = 10 if name not in ("count_origin", "random_origin") else 18
        shown[name] = f"{resource(name, fields[name]):#0{digits}x}"
    for number, entry in enumerate(zip(of.tlb_hi, of.tlb_lo, strict=True)):
        shown[f"tlb[{number}]"] = f"{entry[0]:#010x} {entry[1]:#010x}"
    return shown


def _outcome_values(outcome: Outcome, words: Sequence[int]) -> Shown:
    """The program afterwards, its storage at these offsets in each page, and what is beyond."""
    shown = {name: f"{value:#010x}" for name, value in zip(GPR_NAMES, outcome.gpr, strict=True)}
    for name in PROGRAM:
        shown[name] = f"{outcome.fields[name]:#010x}"
    register = outcome.fields["pending_load_register"]
    shown["pending_load_register"] = GPR_NAMES[register] if register else "none"
    for page, contents in zip(PAGES, outcome.storage, strict=True):
        for offset in words:
            name = f"storage at {page + offset:#010x}"
            shown[name] = f"0x{contents[offset : offset + 4].hex()}"
    return shown
