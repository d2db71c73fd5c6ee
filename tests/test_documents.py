"""The examples in the documents do what the documents say."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from kseg.engine import ENGINES
from tests.cli.command import COMMAND, environment, kseg
from tests.documents import DOCUMENTS, check_page


@pytest.mark.parametrize("page", ["python-api.md", "own-devices.md", "time-travel.md"])
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


NEEDS_MORE = re.compile(r"kernel|--gdb|kseg bench")
"""What a reader has to have, to do besides, or to have the time for."""

WELL = {0, 4, 5}
"""Exit codes: done; the time given is over; nothing more to read."""


@pytest.mark.slow
def test_commands_of_the_lecture(tmp_path: Path) -> None:
    page = (DOCUMENTS / "lecture.md").read_text(encoding="utf-8")
    commands = [text for text in re.findall(r"`(kseg [^`]+)`", page) if not NEEDS_MORE.search(text)]
    assert len(commands) > 15
    for command in commands:
        words = [*COMMAND, *shlex.split(command)[1:]]
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=tmp_path,
            env=environment(), timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode in WELL, (command, done.stderr)


PAGES = [
    DOCUMENTS.parent / "README.md",
    DOCUMENTS.parent / "benchmarks" / "README.md",
    *sorted(DOCUMENTS.rglob("*.md")),
]


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives the headings of a page, or that it gives itself."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    found: dict[str, int] = {}
    names = set(re.findall(r'<a (?:id|name)="([^"]+)"', text))
    for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        name = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        number = found[name] = found.get(name, -1) + 1
        names.add(f"{name}-{number}" if number else name)
    return names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        there = page.parent / path if path else page
        assert there.exists(), target
        assert not anchor or there.suffix != ".md" or anchor in anchors(there), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_fence_is_closed(page: Path) -> None:
    """An opening fence may name a language, a closing one stands alone: a missing one shows."""
    inside = False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("```"):
            assert not (inside and line.strip() != "```"), f"line {number}: fence within a fence"
            inside = not inside
    assert not inside


ROOT = DOCUMENTS.parent
FILES = [
    f"/{path.relative_to(ROOT)}"
    for folder in ("src", "tests", "benchmarks", "guests")
    for path in (ROOT / folder).rglob("*.py")
] + [f"/{path.name}" for path in ROOT.glob("*.py")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_modules_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    names = re.findall(r"`([\w/]+(?:\.py|/))`", text)
    # Of a dotted name, the last part may be what is in the module.
    dotted = re.findall(r"`kseg\.([a-z_.]+)\.[a-z_]+`", text)
    names += [f"kseg/{name.replace('.', '/')}" for name in dotted]
    for name in names:
        assert any(f"/{name}" in file for file in FILES), name
