"""The results in few words and as plain data, for tables, pages and JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from kseg.analysis.analysis import Analysis
from kseg.analysis.classification import Classification
from kseg.analysis.execution import End
from kseg.analysis.states import Shown
from kseg.analysis.witnesses import BEHAVIOUR, CONTROL, Witness, WitnessKind
from kseg.isa.registers import GPR_NAMES

FORMAT = 1
"""Of the JSON; a reader may rely on what docs/command-line.md says as long as this stays."""

COLUMNS = ("privileged", "control", "behaviour", "user-sensitive", "remarks")

REMARKS = {
    WitnessKind.TRAPS_BY_ADDRESS: "traps by address",
    WitnessKind.TRAPS_BY_UNIT: "traps by unit",
    WitnessKind.SHOWS_A_TRAP: "shows a trap",
}

FLAGS = {
    "control_mode": WitnessKind.CONTROL_MODE,
    "control_map": WitnessKind.CONTROL_MAP,
    "control_resources": WitnessKind.CONTROL_RESOURCES,
    "mode_sensitive": WitnessKind.MODE,
    "location_sensitive": WitnessKind.LOCATION,
    "resource_sensitive": WitnessKind.RESOURCES,
    "clock_dependent": WitnessKind.CLOCK,
    "traps_by_address": WitnessKind.TRAPS_BY_ADDRESS,
    "traps_by_unit": WitnessKind.TRAPS_BY_UNIT,
    "shows_a_trap": WitnessKind.SHOWS_A_TRAP,
}
"""Of the JSON, by what shows each."""


def title(analysis: Analysis) -> str:
    """Which analysis it is."""
    return f"{analysis.profile.name}, CU0 {'set' if analysis.cu0 else 'clear'}"


def cells(one: Classification) -> tuple[str, ...]:
    """What COLUMNS say of an instruction. A star is for what only a window shows."""
    return (
        "yes" if one.privileged else "",
        _kinds(one, CONTROL),
        _kinds(one, BEHAVIOUR),
        "yes" if one.user_sensitive else "",
        ", ".join(text for kind, text in REMARKS.items() if one.shown(kind)),
    )


def _kinds(one: Classification, kinds: tuple[WitnessKind, ...]) -> str:
    texts = []
    for kind in kinds:
        if found := one.shown(kind):
            text = kind.value.partition(": ")[2]
            texts.append(text + "*" * all(witness.window for witness in found))
    return ", ".join(texts)


def plain(analysis: Analysis) -> list[str]:
    """The instructions of which there is nothing to say: innocuous, not privileged, no remark."""
    traps = trapping(analysis)
    names = [one.subject.name for one in analysis.instructions if not any(cells(one))]
    return [name for name in names if name not in traps]


def trapping(analysis: Analysis) -> list[str]:
    """The instructions that trapped from every state, in either mode."""
    return [one.subject.name for one in analysis.instructions if one.ends == {End.TRAPS}]


def changes(clear: Analysis, granted: Analysis) -> list[str]:
    """The instructions that are privileged with CU0 clear and are not with CU0 set."""
    return [
        one.subject.name
        for one, other in zip(clear.instructions, granted.instructions, strict=True)
        if one.privileged and not other.privileged
    ]


def matrix(analyses: Sequence[Analysis]) -> tuple[list[str], list[list[str]]]:
    """The verdicts side by side: headings, and a row for each theorem."""
    rows = []
    for number, verdict in enumerate(analyses[0].verdicts):
        holds = [analysis.verdicts[number].holds for analysis in analyses]
        name = f"{verdict.theorem[0]}: {verdict.says}"
        rows.append([name, *("holds" if held else "fails" for held in holds)])
    return ["theorem", *(title(analysis) for analysis in analyses)], rows


def sentence(witness: Witness) -> str:
    """A witness on one line, in Markdown: what holds in both states, then `first / second`."""
    states, outcomes = list(witness.states), list(witness.outcomes)
    if len(states) == 1:
        changes = [
            f"{name} {value} to {outcomes[0][name]}"
            for name, value in states[0].items()
            if name in outcomes[0]
        ]
        mode = f"{states[0]['mode']} mode" if "mode" in outcomes[0] else ""
        given = ", ".join(filter(None, (mode, _listed([states[0]], leaving=outcomes[0]))))
        text = f"{given}: {', '.join(changes) or outcomes[0]['end']}"
    else:
        text = f"{_listed(states)}: {_listed(outcomes)}"
    return f"`{witness.disassembly.strip()}` ({witness.word:#010x}), {text}"


def _listed(of: list[Shown], leaving: Shown | None = None) -> str:
    """Names with their values, once where they are equal."""
    parts = []
    moved = any("frames" in one for one in of)
    for name in of[0]:
        values = list(dict.fromkeys(one[name] for one in of))
        if name in (leaving or ()) or (name.startswith("tlb[") and moved):
            continue
        text = " / ".join(values)
        parts.append(
            f"{text} mode" if name == "mode" else text if name == "end" else f"{name} {text}"
        )
    return ", ".join(parts)


def as_json(analyses: Sequence[Analysis]) -> dict[str, Any]:
    """All of it, as plain data; docs/command-line.md describes it."""
    return {"format": FORMAT, "analyses": [_analysis(analysis) for analysis in analyses]}


def _analysis(analysis: Analysis) -> dict[str, Any]:
    return {
        "profile": analysis.profile.name,
        "cu0": analysis.cu0,
        "instructions": [_instruction(one) for one in analysis.instructions],
        "verdicts": [asdict(verdict) for verdict in analysis.verdicts],
        "fetch": _witness(analysis.fetch),
    }


def _instruction(one: Classification) -> dict[str, Any]:
    flags = {name: bool(one.shown(kind)) for name, kind in FLAGS.items()}
    return {
        "name": one.subject.name,
        "syntax": one.subject.declared.syntax,
        "privileged": one.privileged,
        "sensitive": bool(one.sensitivities(windows=False)),
        "sensitive_with_windows": bool(one.sensitivities()),
        "sensitive_by_the_paper_alone": bool(one.sensitivities(windows=False, paper_only=True)),
        "user_sensitive": one.user_sensitive,
        **flags,
        "pairs": one.pairs,
        "reads": sorted(one.reads.difference(GPR_NAMES)),
        "trap_reads": sorted(one.trap_reads),
        "witnesses": [_witness(witness) for witness in one.witnesses.values()],
    }


def _witness(witness: Witness) -> dict[str, Any]:
    return {
        "kind": witness.kind.value,
        "word": f"{witness.word:#010x}",
        "disassembly": witness.disassembly,
        "through_window": witness.window,
        "states": list(witness.states),
        "outcome": list(witness.outcomes),
    }
