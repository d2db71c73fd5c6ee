"""The results as Markdown: verdicts, a table of instructions for each profile, witnesses."""

import textwrap
from collections.abc import Iterable, Sequence

from kseg.analysis.analysis import Analysis
from kseg.analysis.classification import Classification
from kseg.analysis.summary import (
    COLUMNS,
    cells,
    changes,
    matrix,
    plain,
    sentence,
    title,
    trapping,
)
from kseg.markdown import table

WIDTH = 98


def document(analyses: Sequence[Analysis]) -> str:
    """Everything: `analyses` are those of each profile with CU0 clear and with CU0 set, in turn."""
    return f"{verdict_table(analyses)}\n{chapters(analyses)}"


def chapters(analyses: Sequence[Analysis]) -> str:
    """What there is to say of each profile; see `document`."""
    return "\n".join(map(profile_chapter, analyses[::2], analyses[1::2]))


def verdict_table(analyses: Sequence[Analysis]) -> str:
    headings, rows = matrix(analyses)
    return table(["Theorem", *headings[1:]], rows)


def profile_chapter(clear: Analysis, granted: Analysis) -> str:
    """One profile: why the verdicts are what they are, its instructions, and their witnesses."""
    quiet = {*plain(clear), *trapping(clear)}
    told = [one for one in clear.instructions if one.subject.name not in quiet]
    parts = [
        f"## {clear.profile.name}\n\n{clear.profile.summary}.\n",
        f"### {title(clear)}\n\n{_reasons(clear)}",
        _classes(told),
        paragraph("Neither privileged nor sensitive: " + _names(plain(clear))),
        paragraph("Trap in both modes, from every state: " + _names(trapping(clear))),
        _witnesses(clear, told),
        f"### {title(granted)}\n\n{_granted(clear, granted)}",
    ]
    return "\n".join(parts)


def _classes(of: Sequence[Classification]) -> str:
    headings = [column.capitalize() for column in COLUMNS]
    return table(["Instruction", *headings], [[f"`{one.subject.name}`", *cells(one)] for one in of])


def _granted(clear: Analysis, granted: Analysis) -> str:
    """What is different with CU0 set."""
    changed = [granted.named(name) for name in changes(clear, granted)]
    if not changed:
        return paragraph("The same: this processor keeps CP0 from user mode whatever CU0 says.")
    head = paragraph("No longer privileged:")
    return "\n".join([_reasons(granted), head, _classes(changed), _witnesses(granted, changed)])


def paragraph(text: str, indent: str = "") -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False) + "\n"


def _names(names: Iterable[str]) -> str:
    return (", ".join(f"`{name}`" for name in names) or "none") + "."


def _reasons(analysis: Analysis) -> str:
    return "".join(
        paragraph(
            f"* Theorem {one.theorem} {'holds' if one.holds else 'fails'}: {one.because}.", "  "
        )
        for one in analysis.verdicts
    )


def _witnesses(analysis: Analysis, of: Sequence[Classification]) -> str:
    lines = [
        paragraph(f"* {what}: {shown}.", "  ")
        for one in of
        for shown, what in _told_together(one).items()
    ]
    if not analysis.cu0:
        fetch = f"* an instruction fetched from kseg0: {sentence(analysis.fetch)}."
        lines.insert(0, paragraph(fetch, "  "))
    heading = f"Witnesses, {title(analysis)}"
    return f"<details><summary>{heading}</summary>\n\n{''.join(lines)}\n</details>\n"


def _told_together(one: Classification) -> dict[str, str]:
    """The sentences of an instruction's witnesses, each with all that it shows."""
    found: dict[str, str] = {}
    for witness in one.witnesses.values():
        shown = sentence(witness)
        what = witness.kind.value + (" (through a window)" if witness.window else "")
        found[shown] = (
            f"{found[shown]}, {what}" if shown in found else f"{one.subject.name}, {what}"
        )
    return found
