"""Results as a picture: horizontal bars, a panel for each workload, as SVG text.

Colours follow the reader's choice of light or dark. A bar is the geometric mean over a workload's
programs.
"""

import math
from collections.abc import Iterator, Sequence

from kseg.bench import svg
from kseg.bench.report import number, rounds
from kseg.bench.samples import Samples

WIDTH = 760
LABELS = 210
"""Width of the names on the left."""
VALUES = 60
"""Width of the numbers on the right."""
BAR = 16
ROW = 22
HEAD = 48
"""Height of a panel's title."""
FOOT = 34
"""Height of a panel's axis, and the room below it."""
TOP = 64
MOST_TICKS = 6


def chart(workloads: Sequence[Samples], title: str, note: str) -> str:
    """An SVG file with a panel for every workload in which something was measured."""
    parts: list[str] = []
    y = TOP
    for samples in workloads:
        if samples.cells:
            parts += _panel(samples, y)
            y += HEAD + ROW * len(samples.cells) + FOOT
    head = [svg.text(16, 28, title, "title"), svg.text(16, 48, note, "note")]
    return svg.picture(WIDTH, y, title, [*head, *parts])


def _panel(samples: Samples, top: int) -> Iterator[str]:
    means = {who: samples.mean(who) for who in samples.cells}
    step = tick_step(max(means.values()))
    ticks = math.ceil(max(means.values()) / step)
    scale = (WIDTH - LABELS - VALUES) / (ticks * step)
    better = "more is better" if samples.more_is_better else "less is better"
    several = "geometric mean of " if len(samples.things) > 1 else ""
    what = f"{several}{', '.join(samples.things)}; {better}; median of {rounds(samples)}"
    yield svg.text(16, top + 16, f"{samples.title} ({samples.unit})", "panel")
    yield svg.text(16, top + 32, what, "note")
    bottom = top + HEAD + ROW * len(means)
    for tick in range(ticks + 1):
        x = LABELS + tick * step * scale
        yield from svg.tick(x, top + HEAD - 4, bottom, f"{tick * step:g}", first=tick == 0)
    for row, (who, mean) in enumerate(means.items()):
        y = top + HEAD + ROW * row
        kind = "kseg" if who.startswith("kseg ") else "other"
        width = max(1.0, mean * scale)
        yield svg.text(LABELS - 8, y + 13, who, anchor="end")
        yield svg.bar(LABELS, y, width, BAR, kind)
        yield svg.text(LABELS + width + 5, y + 13, number(mean))


def tick_step(most: float) -> float:
    """The smallest of 1, 2, 5, 10, 20, ... (and their tenths) that gives few enough ticks."""
    power = 10.0 ** math.floor(math.log10(most / MOST_TICKS))
    return next(power * each for each in (1, 2, 5, 10) if most / (power * each) <= MOST_TICKS)
