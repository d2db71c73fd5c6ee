"""docs/virtualisability.md is up to date."""

from pathlib import Path

import pytest

from kseg.analysis.page import PAGE, parts
from kseg.markdown import filled

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_page_is_not_stale() -> None:
    kept = (ROOT / PAGE).read_text(encoding="utf-8")
    assert kept == filled(kept, parts()), "run: python -m kseg.analysis.page"
