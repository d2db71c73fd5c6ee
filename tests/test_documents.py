"""The examples in the documents do what the documents say."""

import re
from pathlib import Path

import pytest

from kseg.engine import ENGINES
from tests.cli.command import kseg
from tests.documents import DOCUMENTS, check_page


@pytest.mark.parametrize("page", ["python-api.md", "time-travel.md"])
def test_examples_of_a_page(page: str) -> None:
    assert check_page(page) > 0


@pytest.mark.parametrize(
    "engine",
    # The program polls the serial port for millions of cycles, which takes plain Python a while.
    [pytest.param(name, marks=[pytest.mark.slow] * (name == "reference")) for name in ENGINES],
)
def test_small_program_of_the_readme(tmp_path: Path, engine: str) -> None:
    assembled = kseg("asm", DOCUMENTS / "hello.s", "-o", "hello", cwd=tmp_path)
    assert (assembled.stdout, assembled.stderr, assembled.returncode) == ("", "", 0)
    ran = kseg("run", "--engine", engine, "hello", cwd=tmp_path)
    assert (ran.stdout, ran.stderr, ran.returncode) == ("Hello from an R3000\n", "", 0)


def test_links_lead_somewhere() -> None:
    root = DOCUMENTS.parent
    pages = [root / "README.md", root / "benchmarks" / "README.md", *DOCUMENTS.rglob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"
