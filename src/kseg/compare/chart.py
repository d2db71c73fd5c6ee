"""A comparison as SVG text: a bar of slowdown for each way, on a logarithmic scale."""

import math
import textwrap
from collections.abc import Iterator

from kseg.bench import svg
from kseg.compare.comparison import Comparison, Result
from kseg.compare.table import label, notes, shown_slowdown

WIDTH = 760
LABELS = 170
"""Width of the names on the left."""
VALUES = 70
"""Width of the numbers on the right."""
TOP = 92
ROW = 26
BAR = 18
FOOT = 34
"""Height of the axis, and the room below it."""
LINE = 15
"""Height of a line of notes."""
LONGEST_NOTE = 125
LONGEST_TITLE = 80
"""Characters, both."""


def chart(comparison: Comparison, title: str) -> str:
    results = comparison.results
    bottom = TOP + ROW * len(results)
    said = [*notes(comparison), *(f"DIFFERENT: {each}" for each in comparison.differences)]
    said = [line for note in said for line in textwrap.wrap(note, LONGEST_NOTE)]
    height = bottom + FOOT + LINE * len(said) + LINE
    lines = [
        svg.text(16, 28, textwrap.shorten(title, LONGEST_TITLE, placeholder=" ..."), "title"),
        svg.text(16, 56, "Slowdown, on a logarithmic scale; less is better", "panel"),
    ]
    slowdowns = [comparison.slowdown(each) for each in results]
    decades = _decades([each for each in slowdowns if each is not None])
    scale = (WIDTH - LABELS - VALUES) / (decades[1] - decades[0])
    lines += _axis(decades, scale, bottom)
    for row, result in enumerate(results):
        lines += _bar(comparison, result, TOP + ROW * row, decades[0], scale)
    lines += [
        svg.text(16, bottom + FOOT + LINE * row, note, "note") for row, note in enumerate(said)
    ]
    return svg.picture(WIDTH, height, title, lines)


def _decades(slowdowns: list[float]) -> tuple[int, int]:
    """Powers of ten between which all slowdowns are; from 1 at the most, and one at the least."""
    logarithms = [math.log10(each) for each in slowdowns] or [0.0]
    first = min(0, math.floor(min(logarithms)))
    return first, max(first + 1, math.ceil(max(logarithms)))


def _axis(decades: tuple[int, int], scale: float, bottom: int) -> Iterator[str]:
    for power in range(decades[0], decades[1] + 1):
        x = LABELS + (power - decades[0]) * scale
        yield from svg.tick(x, TOP - 6, bottom, f"{10.0**power:g}", first=power == decades[0])


def _bar(comparison: Comparison, result: Result, y: int, first: int, scale: float) -> Iterator[str]:
    yield svg.text(LABELS - 8, y + 14, label(result), anchor="end")
    slowdown = comparison.slowdown(result)
    if slowdown is None:
        why = "does not apply" if result.run is None else "cut short"
        yield svg.text(LABELS + 5, y + 14, why, "note")
        return
    width = max(2.0, (math.log10(slowdown) - first) * scale)
    kind = "other" if result.way.is_bare else "kseg"
    yield svg.bar(LABELS, y, width, BAR, kind)
    yield svg.text(LABELS + width + 5, y + 14, shown_slowdown(comparison, result))
