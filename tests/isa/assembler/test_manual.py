"""docs/assembler.md is up to date, and the tables that it is made from are whole."""

from pathlib import Path

from kseg.isa.assembler.directives import CONDITIONS, HANDLED, MANUAL, REFUSED, TEXT
from kseg.isa.assembler.expression import RELOCATIONS
from kseg.isa.assembler.manual import PAGE, parts
from kseg.markdown import filled

ROOT = Path(__file__).resolve().parents[3]


def test_the_page_is_not_stale() -> None:
    kept = (ROOT / PAGE).read_text(encoding="utf-8")
    assert kept == filled(kept, parts()), "run: python -m kseg.isa.assembler.manual"
    assert all(f"`{name}(x)`" in kept for name in RELOCATIONS)


def test_every_directive_is_in_the_manual() -> None:
    told = {
        name for directives in MANUAL.values() for each in directives for name in each.names.split()
    }
    hidden = {".rodata", ".end_macro"}
    assert (HANDLED | TEXT | CONDITIONS) - hidden - set(REFUSED) == told - {".cfi_*"}
