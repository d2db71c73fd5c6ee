"""Examples in documents, executed: ```pycon blocks are doctests that share one namespace a page."""

import doctest
import re
from pathlib import Path
from typing import Any

from kseg.boards.system161.cards import CARDS

DOCUMENTS = Path(__file__).parents[1] / "docs"

_BLOCK = re.compile(r"^```pycon\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FLAGS = doctest.ELLIPSIS


def check_page(name: str) -> int:
    """Run the examples of docs/`name`; AssertionError shows what differs. Returns their number."""
    page = DOCUMENTS / name
    text = page.read_text(encoding="utf-8")
    runner = doctest.DocTestRunner(optionflags=_FLAGS, verbose=False)
    namespace: dict[str, Any] = {}
    report: list[str] = []
    cards = set(CARDS)
    for block in _BLOCK.finditer(text):
        line = text.count("\n", 0, block.start(1))
        test = doctest.DocTestParser().get_doctest(block[1], {}, name, str(page), line)
        test.globs = namespace
        runner.run(test, out=report.append, clear_globs=False)
    for name in CARDS.keys() - cards:
        del CARDS[name]  # A page's own card is no other test's.
    assert not runner.failures, "".join(report)
    return runner.tries
