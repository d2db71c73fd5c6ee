"""A comparison as text for a terminal."""

import math
import textwrap
from collections.abc import Callable, Iterator, Sequence

from kseg.bench.report import number, table
from kseg.compare.comparison import Comparison, Result
from kseg.compare.exits import Exits

Paint = Callable[[str, bool], str]
"""Gives a bar its colour; whether it is one of the bare machine's."""

SHORTEST_BAR = 10
"""Characters; in a terminal too narrow for that, lines are longer than it."""
LEAST_SCALE = 10
"""Slowdown at the end of the longest possible bar, at least."""
MARGIN = 14
"""Characters beside a bar's name and itself."""


def text(comparison: Comparison, title: str, width: int, paint: Paint) -> str:
    """Tables of times and exits, with bars between them, in lines of `width` characters where
    that is possible."""
    parts = [
        textwrap.fill(title, width),
        _times(comparison),
        "\n".join(_notes(comparison, width)),
        "\n".join(_bars(comparison, width, paint)),
        *_exits(comparison, width),
        *(textwrap.fill(f"DIFFERENT: {each}", width) for each in comparison.differences),
    ]
    return "\n\n".join(part for part in parts if part)


def label(result: Result) -> str:
    return f"bare, {result.name}" if result.way.is_bare else result.name


def shown_slowdown(comparison: Comparison, result: Result) -> str:
    """With its sign, where it is only known to be larger."""
    slowdown = comparison.slowdown(result)
    if slowdown is None:
        return ""
    return number(slowdown) if result.finished else f"> {number(slowdown)}"


def _times(comparison: Comparison) -> str:
    rows = []
    for result in comparison.results:
        run = result.run
        if run is None:
            rows.append([label(result), "-", "", "", "", ""])
            continue
        seconds = comparison.median(result) if result.finished else None
        rows.append(
            [
                label(result),
                number(seconds) if seconds is not None else f"> {run.seconds:.0f}",
                shown_slowdown(comparison, result),
                str(run.work.direct_cycles),
                str(run.work.emulated_cycles),
                str(run.work.exit_count) if not result.way.is_bare else "-",
            ]
        )
    return table(["", "seconds", "slowdown", "direct", "emulated", "exits"], rows)


def notes(comparison: Comparison) -> Iterator[str]:
    """What has to be said about the figures, a line each."""
    base = comparison.baseline
    if base is not None:
        yield f"slowdown: against {label(base)}; medians of {_rounds(comparison)}"
        if base.run is not None and base.run.stop is not None:
            ended = base.run.stop.message or str(base.run.stop.reason)
            yield f"{base.run.cycles} cycles, {base.run.executed_cycles} executed; {ended}"
    for result in comparison.results:
        if result.run is None:
            yield f"{result.name}: does not apply: {result.reason}"
        elif not result.finished:
            share = comparison.share_done(result)
            done = "" if share is None else f", with {100 * share:.2g} % of the instructions done"
            yield f"{result.name}: cut short after {result.run.seconds:.0f} s{done}"
    kernels: dict[str, list[str]] = {}
    for result in comparison.results:
        if result.run is not None:
            kernels.setdefault(result.kernel, []).append(result.name)
    if len(kernels) > 1:
        yield "booted: " + ", ".join(
            f"{kernel} ({', '.join(names)})" for kernel, names in kernels.items()
        )
    yield _verdict(comparison)


def _rounds(comparison: Comparison) -> str:
    """How often was measured: most ways, and those that took too long for that."""
    counts = {each.name: len(each.seconds) for each in comparison.results if each.seconds}
    most = max(counts.values())
    fewer = [f"{name}: {count}" for name, count in counts.items() if count < most]
    text = f"{most} round{'' if most == 1 else 's'}"
    return f"{text} ({', '.join(fewer)})" if fewer else text


def _verdict(comparison: Comparison) -> str:
    if comparison.differences:
        return "NOT the same in all ways; see below"
    ran = [each for each in comparison.results if each.run is not None]
    finished = [each for each in ran if each.finished]
    if len(ran) < 2 or not finished:
        return "nothing to hold against each other"
    text = "the same console output in all ways, to the byte"
    if len(finished) < len(ran):
        text += ", as far as they came"
    if len(finished) < 2:
        return text
    of_each = " of a kernel" if len({each.kernel for each in finished}) > 1 else ""
    which = "in all" if len(finished) == len(ran) else "in those that finished"
    return f"{text}; {which}{of_each}, the same cycles, registers, memory and devices"


def _notes(comparison: Comparison, width: int) -> Iterator[str]:
    for note in notes(comparison):
        yield textwrap.fill(note, width, subsequent_indent="  ", break_on_hyphens=False)


def _bars(comparison: Comparison, width: int, paint: Paint) -> Iterator[str]:
    shown = [each for each in comparison.results if comparison.slowdown(each) is not None]
    if len(shown) < 2:
        return
    names = max(len(label(each)) for each in shown)
    room = max(width - names - MARGIN, SHORTEST_BAR)
    most = max(LEAST_SCALE, *(comparison.slowdown(each) or 1.0 for each in shown))
    yield "slowdown, on a logarithmic scale"
    for result in shown:
        length = bar_length(comparison.slowdown(result) or 1.0, most, room)
        bar = paint("#" * length, result.way.is_bare)
        yield f"{label(result):{names}}  {bar} {shown_slowdown(comparison, result)}"


def bar_length(slowdown: float, most: float, room: int) -> int:
    """Characters of a bar: 1 for the baseline, or what is hardly faster, all for the slowest."""
    if slowdown <= 1:
        return 1
    return 1 + round((room - 1) * math.log(slowdown) / math.log(most))


def _exits(comparison: Comparison, width: int) -> Iterator[str]:
    monitored = [each for each in comparison.results if each.run and not each.way.is_bare]
    base = comparison.baseline
    if base is not None and base.way.is_bare:
        monitored.append(base)
    if not any(not each.way.is_bare for each in monitored):
        return
    # As many side by side as there is room for.
    while monitored:
        count = len(monitored)
        while count > 1 and _columns(_exit_table(monitored[:count])) > width:
            count -= 1
        yield _exit_table(monitored[:count])
        monitored = monitored[count:]


def _columns(text: str) -> int:
    return max(len(line) for line in text.splitlines())


def _exit_table(results: Sequence[Result]) -> str:
    columns: list[dict[str, Exits]] = []
    for result in results:
        assert result.run is not None
        device = {"device access": result.run.devices} if result.run.devices else {}
        columns.append({**result.run.work.exits, **device})
    kinds = list(dict.fromkeys(kind for column in columns for kind in column))
    # Devices last, whatever comes first.
    kinds.sort(key=lambda kind: kind == "device access")
    rows = [
        [kind.replace("_", " "), *(cell(column.get(kind)) for column in columns)] for kind in kinds
    ]
    return table(["exits", *(label(each) for each in results)], rows)


def cell(exits: Exits | None) -> str:
    """A count, and the cost of each."""
    if exits is None or not exits.count:
        return ""
    cost = "-" if exits.nanoseconds is None else f"{exits.nanoseconds:.0f} ns"
    return f"{exits.count} x {cost:>6}"
