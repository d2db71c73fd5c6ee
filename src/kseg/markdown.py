"""Pages of the documentation that are written from declarations."""

import sys
from collections.abc import Iterable
from pathlib import Path


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table with aligned columns, a line a row."""
    cells = [list(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    cells.insert(1, ["-" * width for width in widths])
    lines = (
        " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in cells
    )
    return "".join(f"| {line} |\n" for line in lines)


def write_page(path: Path, text: str) -> None:
    """Write a generated page, its path counted from the top of a checkout; exits with a line if
    this is none."""
    root = Path(__file__).parents[2]
    if not (root / path.parent).is_dir():
        sys.exit(f"kseg: no {path.parent} in {root}: run this in a checkout")
    (root / path).write_text(text, encoding="utf-8")
