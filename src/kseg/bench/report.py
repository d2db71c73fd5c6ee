"""Results as plain tables, and as JSON for machines."""

import os
import sys
from collections.abc import Sequence
from typing import Any

from kseg.bench.samples import Samples
from kseg.bench.targets import Target
from kseg.platform import processors
from kseg.platform.host import PROCESSOR, SYSTEM


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


def number(value: float) -> str:
    """Three digits that count, or all before the point: 0.123, 1.23, 12.3, 123, 1234."""
    decimals = 3 if value < 1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{decimals}f}"


def samples_table(samples: Samples, kseg: str) -> str:
    """A row for every peer that was measured; the last column is `kseg`'s
    speed divided by theirs."""
    things = samples.things
    several = len(things) > 1
    headings = [samples.unit, *things, *(["mean"] if several else [])]
    compared = kseg in samples.cells and len(samples.cells) > 1
    rows = []
    for who, row in samples.cells.items():
        cells = [number(samples.median(who, what)) if what in row else "" for what in things]
        means = [number(samples.mean(who))] if several else []
        ratio = samples.mean_speedup(kseg, who) if compared else None
        rows.append([who, *cells, *means, *([f"{ratio:.2f}"] if ratio else [])])
    heading = [f"{kseg} /"] if compared else []
    if samples.instructions:
        counts = [f"{samples.instructions.get(what, 0) / 1e6:.1f}" for what in things]
        padding = [""] * (several + compared)
        rows.append(["(million instructions)", *counts, *padding])
    title = f"{samples.title}: median of {rounds(samples)}"
    return f"{title}\n\n{table([*headings, *heading], rows)}"


def rounds(samples: Samples) -> str:
    """How often everything was measured."""
    count = max((len(each) for row in samples.cells.values() for each in row.values()), default=0)
    return f"{count} round{'' if count == 1 else 's'}"


def targets_table(targets: Sequence[Target]) -> str:
    rows = []
    for target in targets:
        sign = ">=" if target.at_least else "<="
        measured = "" if target.measured is None else f"{target.measured:.2f}"
        bounds = (f"{sign} {target.must:g}", f"{sign} {target.aim:g}")
        rows.append([target.figure, *bounds, measured, target.verdict])
    return table(["targets", "must", "aim", "measured", ""], rows)


def host() -> dict[str, Any]:
    return {
        "processor": processors.model(),
        "processors": os.cpu_count(),
        "system": f"{SYSTEM.capitalize()} {PROCESSOR}",
        "python": sys.version.partition(" ")[0],
        "load": processors.load(),
    }
