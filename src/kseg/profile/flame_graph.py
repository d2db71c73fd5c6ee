"""Flame graphs: a profile as one SVG file, without a script, that any browser shows.

A bar is a function, as wide as its share of the time; upon it lies what it called. The mouse over a
bar shows its name and its numbers.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.sax.saxutils import escape
from zlib import crc32

from kseg.profile.samples import Caller, Profile

WIDTH, MARGIN, ROW, HEAD, LETTER = 1200, 10, 18, 52, 7.2
"""Pixels."""
NARROWEST = 0.3
"""Bars that are narrower are left out."""
MOST_ROWS = 200


@dataclass
class _Node:
    caller: Caller
    count: int = 0
    own: int = 0
    children: dict[Caller, "_Node"] = field(default_factory=dict)


def flame_graph(profile: Profile, title: str = "") -> str:
    """The SVG file's text. Idle time is not in the graph; its share is in the heading."""
    root = _tree(profile)
    rows = min(_depth(root), MOST_ROWS)
    height = HEAD + rows * ROW + MARGIN
    busy, idle = profile.busy, profile.idle
    share = f"{100 * idle / (busy + idle):.1f} % idle" if busy + idle else "no samples"
    summary = f"{busy} samples of {1000 / profile.hz:g} ms virtual time; {share}"
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"',
        f' viewBox="0 0 {WIDTH} {height}" font-family="monospace" font-size="12">',
        "<style>rect{stroke:#fff;stroke-width:.5}g:hover rect{stroke:#000}",
        "text{pointer-events:none}</style>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="{MARGIN}" y="22" font-size="16">{_text(title or "Flame graph")}</text>',
        f'<text x="{MARGIN}" y="40" fill="#555">{_text(summary)}</text>',
    ]
    if root.count:
        scale = (WIDTH - 2 * MARGIN) / root.count
        lines.extend(_bars(root, profile, MARGIN, 0, rows, scale))
    return "\n".join([*lines, "</svg>"]) + "\n"


def _tree(profile: Profile) -> _Node:
    root = _Node(Caller("all"))
    for stack, count in profile.stacks.items():
        node = root
        node.count += count
        for caller in stack[: MOST_ROWS - 1]:
            node = node.children.setdefault(caller, _Node(caller))
            node.count += count
        node.own += count
    return root


def _depth(node: _Node) -> int:
    deepest, level = 0, [node]
    while level:
        deepest += 1
        level = [child for each in level for child in each.children.values()]
    return deepest


def _bars(
    root: _Node, profile: Profile, left: float, depth: int, rows: int, scale: float
) -> Iterator[str]:
    waiting = [(root, left, depth)]
    while waiting:
        node, left, depth = waiting.pop()
        width = node.count * scale
        if width < NARROWEST:
            continue
        top = HEAD + (rows - 1 - depth) * ROW
        yield _bar(node, profile, left, top, width)
        for caller in sorted(node.children):
            child = node.children[caller]
            waiting.append((child, left, depth + 1))
            left += child.count * scale


def _bar(node: _Node, profile: Profile, left: float, top: int, width: float) -> str:
    name, user = node.caller
    milliseconds = 1000 / profile.hz
    about = (
        f"{name}{' (user mode)' if user else ''}: {node.count * milliseconds:.1f} ms,"
        f" {100 * node.count / profile.busy:.1f} %; itself {node.own * milliseconds:.1f} ms"
    )
    letters = int((width - 6) / LETTER)
    shown = name if len(name) <= letters else f"{name[: letters - 1]}…" if letters > 2 else ""
    label = f'<text x="{left + 3:.1f}" y="{top + 13}">{_text(shown)}</text>' if shown else ""
    return (
        f'<g><title>{_text(about)}</title><rect x="{left:.1f}" y="{top}" width="{width:.1f}"'
        f' height="{ROW - 1}" rx="1" fill="{_colour(node.caller)}"/>{label}</g>'
    )


def _colour(caller: Caller) -> str:
    """Warm for the kernel, cool for programs; always the same for a name."""
    number = crc32(caller.name.encode())
    hue = (190 if caller.user else 15) + number % 35
    return f"hsl({hue},{65 + number // 64 % 20}%,{62 + number // 2048 % 14}%)"


def _text(text: str) -> str:
    return escape("".join(c if c.isprintable() else "?" for c in text))
