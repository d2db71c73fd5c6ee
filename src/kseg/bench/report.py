"""How results are shown: plain tables, and JSON for machines."""

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they must be; the first is aligned left, the others right."""
    lines = [headings, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    shown = []
    for line in lines:
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        shown.append("  ".join(cells).rstrip())
    shown.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(shown)


def verdict(value: float, target: float, *, at_least: bool) -> str:
    """Whether a target is met. It is said and never enforced: timings depend on the machine."""
    met = value >= target if at_least else value <= target
    return "met" if met else "MISSED"


def host() -> dict[str, Any]:
    """The machine that was measured on."""
    return {
        "processor": processor_model(),
        "processors": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load": os.getloadavg()[0],
    }


def processor_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "")


def write_json(path: str | None, results: dict[str, Any]) -> None:
    """Write `results`, with the host they belong to, when a file is wanted."""
    if path is not None:
        text = json.dumps({"host": host(), **results}, indent=2)
        Path(path).write_text(text + "\n")
