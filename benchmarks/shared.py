"""What the scripts here share beside what they take from kseg.bench."""

import json
from pathlib import Path
from typing import Any

from kseg.bench.report import host

BENCHMARKS = Path(__file__).resolve().parent


def verdict(value: float, target: float) -> str:
    """Whether a cost is low enough. It is said and never enforced: it depends on the machine."""
    return "met" if value <= target else "MISSED"


def write_json(path: str | None, results: dict[str, Any]) -> None:
    """Write `results`, with the host they belong to, when a file is wanted."""
    if path is not None:
        text = json.dumps({"host": host(), **results}, indent=2)
        Path(path).write_text(text + "\n")
