"""The reference page of the machine is up to date and complete."""

from pathlib import Path

from kseg.boards.system161.cards import CARDS
from kseg.boards.system161.manual import PAGE, page

ROOT = Path(__file__).resolve().parents[3]


def test_the_page_is_not_stale() -> None:
    kept = (ROOT / PAGE).read_text(encoding="utf-8")
    assert kept == page(), "run: python -m kseg.boards.system161.manual"


def test_every_register_and_argument_says_what_it_is() -> None:
    text = page()
    for kind in CARDS.values():
        for declared in (*kind.registers, *kind.arguments, *kind.buffers):
            assert declared.meaning
            assert declared.meaning in text
