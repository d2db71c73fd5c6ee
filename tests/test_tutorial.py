"""The tutorial's commands do what it says. In what is expected, `...` stands for anything, and a
line of it for any lines; empty lines do not count."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli.command import COMMAND, environment, kseg
from tests.documents import DOCUMENTS

PAGE = DOCUMENTS / "tutorial.md"
PROMPT, GDB_PROMPT = "$ ", "(gdb) "
GDB = "gdb-multiarch"


class Step(NamedTuple):
    """A command, and the lines that follow it."""

    command: str
    expected: list[str]


def steps() -> list[Step]:
    """All commands of the page, those to GDB with its prompt."""
    found: list[Step] = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("    "):
            continue
        text = line[4:]
        if text.startswith(PROMPT):
            found.append(Step(text.removeprefix(PROMPT), []))
        elif text.startswith(GDB_PROMPT):
            found.append(Step(text, []))
        elif found:
            found[-1].expected.append(text)
    return found


def matches(expected: Sequence[str], text: str) -> bool:
    """Whether a text is what is expected, with any lines behind it."""
    parts = []
    for line in expected:
        if line.strip() == "...":
            parts.append(r"(?:.*\n)*?")
        else:
            words = r"[^\n]*".join(map(re.escape, line.strip().split("...")))
            parts.append(rf"[ \t]*{words}[ \t]*\n")
    return re.match("".join(parts), re.sub(r"\n\s*\n", "\n", f"\n{text}\n")[1:]) is not None


def test_what_matches() -> None:
    assert matches(["a", "...", "b... d"], "a\nx\ny\nb c d\nz")
    assert not matches(["a", "b"], "a\nx\nb")
    assert not matches(["a", "...", "b"], "a\nx")


def sessions() -> Iterator[list[Step]]:
    """Runs of steps in GDB, after the replay that each of them is about; other steps are alone."""
    rest = steps()
    while rest:
        step = rest.pop(0)
        together = [step]
        if " --gdb " in step.command:
            while rest and (rest[0].command == GDB or rest[0].command.startswith(GDB_PROMPT)):
                together.append(rest.pop(0))
        yield together


@pytest.mark.slow
def test_the_tutorial(tmp_path: Path) -> None:
    done = 0
    for first, *in_gdb in sessions():
        arguments = first.command.split()
        assert arguments.pop(0) == "kseg"
        if in_gdb:
            if shutil.which(GDB) is not None:
                in_debugger(tmp_path, arguments, in_gdb[1:])
            continue
        said = kseg(*arguments, cwd=tmp_path, input="race\nhalt\n")
        assert matches(first.expected, said.stdout), f"{first.command}\n{said.stdout}{said.stderr}"
        done += 1
    assert done >= 8
    if shutil.which(GDB) is None:
        pytest.skip(f"{GDB} is not installed: its part was left out")


def in_debugger(directory: Path, arguments: list[str], session: list[Step]) -> None:
    """Do what the page says in GDB, while `kseg` with these arguments waits for it."""
    # A server that was killed leaves its socket: GDB must not find that one.
    (directory / "socket").unlink(missing_ok=True)
    server = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=directory,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 30
        while not (directory / "socket").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        script = ["set pagination off", "set confirm off", "set width 0"]
        script += ["set remotetimeout 60"]
        for number, step in enumerate(session):
            script += [f"echo \\n@{number}@\\n", step.command.removeprefix(GDB_PROMPT)]
        (directory / "script").write_text("\n".join(script) + "\n", encoding="utf-8")
        root = DOCUMENTS.parent
        done = subprocess.run(
            [GDB, "-q", "-nx", "-batch", "-ex", f"directory {root}", "-x", "script"],
            cwd=directory,
            env={**os.environ, "LC_ALL": "C", "HOME": str(directory)},
            # What monitor commands say is an error to GDB.
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        said = dict(re.findall(r"@(\d+)@\n(.*?)(?=\n@\d+@\n|\Z)", done.stdout, re.DOTALL))
        for number, step in enumerate(session):
            assert str(number) in said, f"{step.command}\n{done.stdout}"
            text = said[str(number)].lstrip("\n")
            assert matches(step.expected, text), f"{step.command}\n{text}"
    finally:
        server.kill()
        server.wait()
