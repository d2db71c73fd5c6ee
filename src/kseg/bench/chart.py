"""Results as a picture: horizontal bars, a panel for each workload, as SVG text.

Colours follow the reader's choice of light or dark. A bar is the geometric mean over a workload's
programs.
"""

import math
from collections.abc import Iterator, Sequence
from html import escape

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

STYLE = """
svg { max-width: 760px; background: #ffffff; font: 13px sans-serif }
text { fill: #1f2328 }
.title { font-size: 18px; font-weight: bold }
.panel { font-weight: bold }
.note, .tick { fill: #59636e; font-size: 11px }
.kseg { fill: #0969da }
.other { fill: #8c959f }
line { stroke: #d1d9e0 }
line.axis { stroke: #59636e }
@media (prefers-color-scheme: dark) {
  svg { background: #0d1117 }
  text { fill: #f0f6fc }
  .note, .tick { fill: #9198a1 }
  .kseg { fill: #4493f8 }
  .other { fill: #656c76 }
  line { stroke: #3d444d }
  line.axis { stroke: #9198a1 }
}
"""


def chart(workloads: Sequence[Samples], title: str, note: str) -> str:
    """An SVG file with a panel for every workload in which something was measured."""
    parts: list[str] = []
    y = TOP
    for samples in workloads:
        if samples.cells:
            parts += _panel(samples, y)
            y += HEAD + ROW * len(samples.cells) + FOOT
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        _text(16, 28, title, "title"),
        _text(16, 48, note, "note"),
    ]
    return "\n".join([*head, *parts, "</svg>\n"])


def _panel(samples: Samples, top: int) -> Iterator[str]:
    means = {who: samples.mean(who) for who in samples.cells}
    step = tick_step(max(means.values()))
    ticks = math.ceil(max(means.values()) / step)
    scale = (WIDTH - LABELS - VALUES) / (ticks * step)
    better = "more is better" if samples.more_is_better else "less is better"
    several = "geometric mean of " if len(samples.things) > 1 else ""
    what = f"{several}{', '.join(samples.things)}; {better}; median of {rounds(samples)}"
    yield _text(16, top + 16, f"{samples.title} ({samples.unit})", "panel")
    yield _text(16, top + 32, what, "note")
    bottom = top + HEAD + ROW * len(means)
    for tick in range(ticks + 1):
        x = LABELS + tick * step * scale
        kind = ' class="axis"' if tick == 0 else ""
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top + HEAD - 4}" y2="{bottom}"{kind}/>'
        yield _text(x, bottom + 14, f"{tick * step:g}", "tick", "middle")
    for row, (who, mean) in enumerate(means.items()):
        y = top + HEAD + ROW * row
        kind = "kseg" if who.startswith("kseg ") else "other"
        width = max(1.0, mean * scale)
        yield _text(LABELS - 8, y + 13, who, anchor="end")
        yield f'<rect x="{LABELS}" y="{y}" width="{width:.1f}" height="{BAR}" class="{kind}"/>'
        yield _text(LABELS + width + 5, y + 13, number(mean))


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    attributes = f' class="{kind}"' if kind else ""
    if anchor != "start":
        attributes += f' text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}"{attributes}>{escape(text)}</text>'


def tick_step(most: float) -> float:
    """The smallest of 1, 2, 5, 10, 20, ... (and their tenths) that gives few enough ticks."""
    power = 10.0 ** math.floor(math.log10(most / MOST_TICKS))
    return next(power * each for each in (1, 2, 5, 10) if most / (power * each) <= MOST_TICKS)
