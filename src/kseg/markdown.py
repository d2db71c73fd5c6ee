"""Pages of the documentation with parts that are written from declarations: these stand between
`<!-- generated: NAME -->` and `<!-- end -->`, with prose around them."""

import re
import sys
from collections.abc import Iterable, Mapping
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


def filled(text: str, parts: Mapping[str, str]) -> str:
    """A page with its generated parts, by name, anew; ValueError where it has not all of them."""
    for name, part in parts.items():
        place = re.compile(rf"(<!-- generated: {name} -->\n).*?(?=<!-- end -->)", re.DOTALL)
        if len(place.findall(text)) != 1:
            raise ValueError(f"the page has no part {name}, or several")
        text = place.sub(lambda found, part=part: f"{found[1]}\n{part}\n", text)  # type: ignore[misc]
    return text


def fill_page(path: Path, parts: Mapping[str, str]) -> None:
    """Write the generated parts of a page anew, its path counted from the top of a checkout; exits
    with a line if this is none."""
    root = Path(__file__).parents[2]
    if not (root / path).is_file():
        sys.exit(f"kseg: no {path} in {root}: run this in a checkout")
    text = (root / path).read_text(encoding="utf-8")
    (root / path).write_text(filled(text, parts), encoding="utf-8")
