"""The reference page is up to date and complete."""

import re
from pathlib import Path

from kseg.isa.instruction import DECLARED
from kseg.isa.manual import PAGE, parts
from kseg.markdown import filled

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_not_stale() -> None:
    kept = (ROOT / PAGE).read_text(encoding="utf-8")
    assert kept == filled(kept, parts()), "run: python -m kseg.isa.manual"


def test_every_instruction_has_its_entry_and_its_link() -> None:
    text = parts()["overview"] + parts()["instructions"]
    for declared in DECLARED:
        assert f"\n### {declared.syntax}\n\n    {declared.pattern.text}\n" in text
    headings = re.findall(r"^### (.*)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]*)\)", text)) == anchors
    assert len(anchors) == len(DECLARED)
