"""Bar charts as SVG text. Colours follow the reader's choice of light or dark."""

from collections.abc import Iterable, Iterator
from html import escape

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


def picture(width: int, height: int, title: str, parts: Iterable[str]) -> str:
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        f"<title>{_escaped(title)}</title>",
        f"<style>{STYLE}</style>",
    ]
    return "\n".join([*head, *parts, "</svg>\n"])


def text(x: float, y: float, content: str, kind: str = "", anchor: str = "start") -> str:
    """A line of text of a class `kind` in `STYLE`."""
    attributes = f' class="{kind}"' if kind else ""
    if anchor != "start":
        attributes += f' text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}"{attributes}>{_escaped(content)}</text>'


def tick(x: float, top: int, bottom: int, label: str, *, first: bool) -> Iterator[str]:
    """A vertical line with a number below it; the `first` is the axis."""
    kind = ' class="axis"' if first else ""
    yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}"{kind}/>'
    yield text(x, bottom + 14, label, "tick", "middle")


def bar(x: int, y: int, width: float, height: int, kind: str) -> str:
    """A bar of a class `kind`: "kseg" or "other"."""
    return f'<rect x="{x}" y="{y}" width="{width:.1f}" height="{height}" class="{kind}"/>'


def _escaped(content: str) -> str:
    """As XML has it, which knows no control characters and no lone surrogates."""
    return escape("".join(each if each.isprintable() else "?" for each in content))
