"""Running `kseg` as its users do: as a process."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

COMMAND = [sys.executable, "-m", "kseg"]

PROMPT = "cms> "


def environment(**changes: str) -> dict[str, str]:
    """The environment for a child: as ours, with warnings as errors no business of its."""
    return {**os.environ, "PYTHONWARNINGS": "", "COLUMNS": "100", **changes}


def kseg(
    *arguments: str | Path,
    input: str | None = None,  # noqa: A002 - as subprocess has it
    cwd: Path | None = None,
    timeout: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; `input` None is an empty stdin (the null device)."""
    feed: dict[str, Any] = {"stdin": subprocess.DEVNULL} if input is None else {"input": input}
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        encoding="latin-1",
        cwd=cwd,
        env=environment(),
        timeout=timeout,
        check=False,
        **feed,
    )
